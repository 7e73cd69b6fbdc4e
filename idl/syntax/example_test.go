package syntax_test

import (
	"fmt"

	"github.com/yodelrpc/yodel/idl/syntax"
)

func ExampleFormat() {
	formatted, err := syntax.Format("divide.yodel",
		[]byte("float  divide( 1 : int num1,2:int num2 = 1 )=>InvalidOperation;"))
	fmt.Printf("%s%v\n", formatted, err)
	// Output:
	// float divide(1:int num1, 2:int num2=1) => InvalidOperation
	// <nil>
}
