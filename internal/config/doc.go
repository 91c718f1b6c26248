// Package config is what an administrator says once: the controller's configuration file.
//
// In goes YAML, out comes a checked Config with every default filled in, or an error that names the
// field. The package reads one file and nothing else; values of Secrets are never in it, only
// their names.
package config
