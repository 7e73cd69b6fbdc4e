// Package check finds out what definitions mean, and everything that is wrong with them.
//
// Files reads definitions with all that they import and returns their schemas, in which every name is resolved and
// every default has its type. It gathers every error of every file, each with its place and what to write instead,
// rather than stop at the first.
package check

import (
	"github.com/yodelrpc/yodel/idl/diag"
	"github.com/yodelrpc/yodel/idl/schema"
)

// Files checks the definitions at the given paths. Paths have forward slashes; load returns the bytes of one, and an
// import is asked for by its path relative to the importing file, joined to that file's path. Each file is loaded once.
//
// It returns the schemas of the paths in their order, those of imports being reached through them. The list holds
// errors, upon which no schema is returned, and warnings.
func Files(load func(path string) ([]byte, error), paths ...string) ([]*schema.File, diag.List) {
	c := &checker{load: load, files: map[string]*file{}, packages: map[string]*folder{}}
	var roots []*file
	for _, path := range paths {
		if f := c.open(path, nil); f != nil {
			roots = append(roots, f)
		}
	}
	for _, f := range c.order {
		f.check()
	}
	c.diags.Sort()
	if c.diags.Err() != nil {
		return nil, c.diags
	}
	schemas := make([]*schema.File, len(roots))
	for i, f := range roots {
		schemas[i] = f.schema
	}
	return schemas, c.diags
}

// A checker holds what the files of one run share.
type checker struct {
	load     func(path string) ([]byte, error)
	files    map[string]*file   // by clean path; nil for one that cannot be read
	order    []*file            // each behind those that it imports
	packages map[string]*folder // by directory
	searches int                // for names that are near an unknown one
	diags    diag.List
}
