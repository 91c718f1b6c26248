// Package apply executes plans with server-side apply.
package apply
