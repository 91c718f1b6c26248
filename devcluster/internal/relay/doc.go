// Package relay carries connections from one address of this machine to another.
//
// In goes the address under which pods look for the API server; out goes what arrives
// there, to 127.0.0.1, which pods cannot reach and which is the only place where the API
// server listens. It never looks into what it carries.
package relay
