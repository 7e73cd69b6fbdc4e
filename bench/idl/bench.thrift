// The same service for Thrift, which has no 32-bit float.
namespace go gen

service Bench {
  double divide(1: i32 num1, 2: i32 num2)
  binary echo(1: binary payload)
}
