package model

import (
	"errors"
	"strconv"
)

// ErrorKind says what a caller may do about an error. It is set only where someone branches on it.
type ErrorKind string

// The kinds.
const (
	ErrNotFound  ErrorKind = "NotFound"
	ErrDenied    ErrorKind = "Denied"    // credentials or rights: someone must change something
	ErrInvalid   ErrorKind = "Invalid"   // the input is wrong: trying again will not help
	ErrTransient ErrorKind = "Transient" // the outside is not there now: try again later
	ErrConflict  ErrorKind = "Conflict"  // someone else has it
)

// Error is a failure that a user sees: what failed is in the wrapping text, this adds where and
// what to do. Secret values never appear in it.
type Error struct {
	Kind   ErrorKind
	Reason string    // CamelCase, for conditions: "ChartNotFound", "TemplateError"
	Object ObjectKey // zero when the failure is of no object
	File   string    // below the artifact's root
	Line   int
	Msg    string // one line: what is wrong
	Next   string // what to do about it; may be empty
	Err    error  // the cause; may be nil
}

// Error is "file:line: object: message: cause".
func (e *Error) Error() string {
	s := e.Msg
	if e.Object.Kind != "" {
		s = e.Object.Short() + ": " + s
	}
	if e.File != "" {
		at := e.File
		if e.Line > 0 {
			at += ":" + strconv.Itoa(e.Line)
		}
		s = at + ": " + s
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of the first *Error in err's tree, or "" when there is none.
func KindOf(err error) ErrorKind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// ReasonOf is the Reason of the first *Error in err's tree, or fallback.
func ReasonOf(err error, fallback string) string {
	var e *Error
	if errors.As(err, &e) && e.Reason != "" {
		return e.Reason
	}
	return fallback
}
