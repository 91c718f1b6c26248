// Package report puts failures and trees into words: plain values in, text out.
//
// A failure is told the same way by the CLI, an object's status, an event, the UI and a CI job;
// this package is the one place where it is told. It knows no terminal: width, drawing characters
// and colours come in as a Style.
package report
