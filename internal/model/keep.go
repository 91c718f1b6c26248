package model

import "strings"

// Kept reports whether an object's annotations forbid that it is pruned: Helm's resource-policy
// (https://helm.sh/docs/howto/charts_tips_and_tricks), or Prune=false among Argo CD's sync options.
func Kept(annotations map[string]string) bool {
	if annotations["helm.sh/resource-policy"] == "keep" {
		return true
	}
	for option := range strings.SplitSeq(annotations["argocd.argoproj.io/sync-options"], ",") {
		if strings.TrimSpace(option) == "Prune=false" {
			return true
		}
	}
	return false
}
