// Package live knows what is in the cluster, from watches.
package live
