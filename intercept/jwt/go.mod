module github.com/yodelrpc/yodel/intercept/jwt

go 1.26

require (
	github.com/golang-jwt/jwt/v5 v5.3.1
	github.com/yodelrpc/yodel v0.0.0
)

replace github.com/yodelrpc/yodel => ../..
