// Package examples carries the reference application's source and the template of the
// fleet repository, so that one binary can seed an empty machine without a checkout.
//
// FlaskApp is a complete build context. Fleet is complete but for three names, which
// stand in it as ${GIT} (clone URL of the fleet repository), ${REGISTRY} (host:port or
// host/path images are pulled from) and ${DIGEST} (digest of the image of prod); a plain
// replacement of those strings, in every file, is all it takes. The charts come from
// package charts.
package examples

import "embed"

// FlaskApp holds the reference application below the folder flask-app.
//
//go:embed all:flask-app
var FlaskApp embed.FS

// Fleet holds the fleet repository's template below the folder fleet.
//
//go:embed all:fleet
var Fleet embed.FS

// Databases holds stand-ins for the images of PostgreSQL and Redis: a build context each, below
// databases/postgres and databases/redis.
//
//go:embed all:databases
var Databases embed.FS
