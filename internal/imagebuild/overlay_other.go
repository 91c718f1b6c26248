//go:build !linux

package imagebuild

func overlayWorks(string) bool { return false }
