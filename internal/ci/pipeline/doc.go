// Package pipeline writes a repository's pipeline.
//
// In goes a repository's folder and what its owner says about it; out come files: the pipeline, the
// runner image's Dockerfile, a pre-commit hook, and what the clusters have to be told. Detect looks
// and changes nothing; Render is pure; Write changes files only when none of them was edited by hand,
// and all of them or none. It never leaves the repository's folder, and runs nothing.
package pipeline
