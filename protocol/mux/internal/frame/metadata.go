package frame

import (
	"encoding/binary"
	"slices"

	"github.com/yodelrpc/yodel/rpc"
)

// appendMetadata appends a metadata block with its length.
func appendMetadata(b []byte, md rpc.Metadata) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	keys := make([]string, 0, len(md))
	for k := range md {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		for _, v := range md[k] {
			b = binary.LittleEndian.AppendUint16(b, uint16(len(k)))
			b = append(b, k...)
			b = binary.LittleEndian.AppendUint32(b, uint32(len(v)))
			b = append(b, v...)
		}
	}
	binary.LittleEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

// CheckMetadata returns an error for metadata that may not be sent to a peer that accepts limit bytes.
func CheckMetadata(md rpc.Metadata, limit int) *rpc.Error { return md.Check(limit) }

// cutMetadata takes a metadata block off the front of body.
func cutMetadata(body *[]byte, limit int) (rpc.Metadata, error) {
	n, err := cut32(body, "a metadata length")
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, Faultf("metadata of %d bytes is over the limit of %d", n, limit)
	}
	block, err := cut(body, n, "metadata")
	if err != nil {
		return nil, err
	}
	md := make(rpc.Metadata)
	for len(block) > 0 {
		if err := cutPair(&block, md); err != nil {
			return nil, err
		}
	}
	return md, nil
}

func cutPair(block *[]byte, md rpc.Metadata) error {
	n, err := cut16(block, "a metadata key length")
	if err != nil {
		return err
	}
	key, err := cut(block, n, "a metadata key")
	if err != nil {
		return err
	}
	if n, err = cut32(block, "a metadata value length"); err != nil {
		return err
	}
	value, err := cut(block, n, "a metadata value")
	if err != nil {
		return err
	}
	if !rpc.ValidMetadataKey(string(key)) {
		return Faultf("metadata key %s", rpc.Quote(string(key)))
	}
	md[string(key)] = append(md[string(key)], string(value))
	return nil
}
