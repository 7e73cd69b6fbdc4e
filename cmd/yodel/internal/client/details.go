package client

import (
	"errors"
	"fmt"
	"io"

	"github.com/yodelrpc/yodel/dynamic"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// PrintDetails writes what the error of a call carries, a line each: the name of the type and JSON, as far as the
// definition or the protocol tells it. types is nil without a definition.
func PrintDetails(w io.Writer, err error, types *dynamic.Package) {
	e, ok := errors.AsType[*rpc.Error](err)
	if !ok {
		return
	}
	for _, d := range e.Details {
		fmt.Fprintf(w, "%s: %s\n", d.Name(), clean(detailText(d, types)))
	}
}

func detailText(d rpc.Detail, types *dynamic.Package) string {
	format, content := d.Encoded()
	var bad rpc.BadRequest
	if d.Name() == bad.YodelName() && d.Decode(&bad) == nil {
		if text, err := wire.AppendJSON(nil, &bad); err == nil {
			return string(text)
		}
	}
	if types != nil {
		if t := types.Type(d.Name()); t != nil {
			m := t.New()
			if d.Decode(m) == nil {
				if text, err := wire.AppendJSON(nil, m); err == nil {
					return string(text)
				}
			}
		}
	}
	if format == rpc.DetailJSON {
		return string(content)
	}
	return fmt.Sprintf("%d bytes", len(content))
}
