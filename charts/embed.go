// Package charts carries the charts of this repository, so that one binary can install
// them, or put them into a fleet repository, without a checkout.
package charts

import "embed"

// FlaskApp holds the chart of the reference application below the folder flask-app.
//
//go:embed all:flask-app
var FlaskApp embed.FS
