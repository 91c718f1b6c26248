package source_test

import "errors"

// asError is errors.As, under a name that a test's table does not shadow.
func asError(err error, target any) bool { return errors.As(err, target) }
