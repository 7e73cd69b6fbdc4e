// Package intercept is the place of interceptors that many programs need, a package each, for unary calls and streams:
//
//	logging     a line for each call
//	recovery    reports panics, and chooses the error
//	auth        who calls: bearer tokens, certificates, unix sockets; and at clients, tokens to send
//	jwt         checks of JSON Web Tokens for auth; a module of its own
//	ratelimit   how many calls a second each caller may begin
//	authz       who may call which methods; an rpc.Authorizer
//	validate    arguments, by a function of the program's own
//
// That is also their order, the first outermost: logging sees what the others refuse, recovery is in front of code that
// may panic, the limit and the rules know the caller from auth, and only who may call learns what is wrong with the
// arguments. The server's page, docs/security.md, has it whole.
package intercept
