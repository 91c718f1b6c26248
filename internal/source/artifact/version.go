package artifact

import (
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// PickVersion chooses among a chart's versions as Helm does: the very version where there is
// one, else the newest in the range; an empty range is the newest that is no pre-release.
func PickVersion(versions []string, rng string) (string, error) {
	if slices.Contains(versions, rng) {
		return rng, nil
	}
	if rng == "" {
		rng = "*"
	}
	c, err := semver.NewConstraint(rng)
	if err != nil {
		return "", &model.Error{Kind: model.ErrInvalid, Reason: "InvalidVersion", Msg: fmt.Sprintf("%q is neither a version nor a range of versions", rng), Err: err}
	}
	var best *semver.Version
	var name string
	for _, s := range versions {
		v, err := semver.NewVersion(s)
		if err != nil || !c.Check(v) {
			continue
		}
		if best == nil || v.GreaterThan(best) || (v.Equal(best) && s > name) {
			best, name = v, s
		}
	}
	if best == nil {
		return "", &model.Error{
			Kind: model.ErrNotFound, Reason: "VersionNotFound", Msg: fmt.Sprintf("there is no version %s", rng), Next: offerVersions(versions),
		}
	}
	return name, nil
}

func offerVersions(versions []string) string {
	var parsed []*semver.Version
	for _, s := range versions {
		if v, err := semver.NewVersion(s); err == nil {
			parsed = append(parsed, v)
		}
	}
	slices.SortFunc(parsed, func(a, b *semver.Version) int { return b.Compare(a) })
	var names []string
	for _, v := range parsed[:min(len(parsed), 5)] {
		names = append(names, v.Original())
	}
	if len(names) == 0 {
		return ""
	}
	return "the newest versions are " + strings.Join(names, ", ")
}

// ChartDigest is the digest of a chart that comes as an archive with this SHA-256.
func ChartDigest(name, sha256 string) string {
	return model.Digest([]byte("chart"), []byte(name), []byte(strings.TrimPrefix(sha256, "sha256:")))
}

// ValidChart reports whether a chart's name can be a folder's.
func ValidChart(name string) bool {
	return name != "" && name != "." && name != ".." && len(name) < 200 && !strings.ContainsAny(name, "/\\\x00")
}
