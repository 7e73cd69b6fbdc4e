package check_test

import (
	"fmt"

	"github.com/yodelrpc/yodel/idl/check"
)

func ExampleFiles() {
	load := func(path string) ([]byte, error) {
		return []byte("float divide(1:int num1, 2:itn num2=1) => InvalidOperation\n"), nil
	}
	_, problems := check.Files(load, "divide.yodel")
	fmt.Println(problems.Err())
	// Output:
	// divide.yodel:1:28: unknown type "itn"
	//     float divide(1:int num1, 2:itn num2=1) => InvalidOperation
	//                                ^
	//   help: did you mean int?
}
