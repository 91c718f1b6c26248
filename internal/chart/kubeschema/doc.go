// Package kubeschema knows the kinds of Kubernetes releases without a cluster: their fields and
// types, what is required, which values a field may have, and which APIs come and go.
//
// A version and an object go in; violations, each with the path of the field and what may have been
// meant, come out. CustomResourceDefinitions can be added. The tables are made from Kubernetes' own
// OpenAPI documents by the program in gen and embedded: nothing is looked up elsewhere.
//
// It judges form alone. What only an API server can know (a default, an admission rule, a
// validation expression) it leaves to one.
package kubeschema

//go:generate go run ./gen -out data v1.33.13 v1.34.4 v1.35.4 v1.36.3
