package imagebuild

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"sigs.k8s.io/yaml"
)

// baseSpec is base/debian.yaml: which packages' files make a base, and which do not.
type baseSpec struct {
	Suite      string   `json:"suite"`
	Components []string `json:"components"`
	Include    []string `json:"include"`
	Packages   []string `json:"packages"`
	Drop       []string `json:"drop"`
}

func readBaseSpec(file string) (*baseSpec, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading base description: %w", err)
	}
	var s baseSpec
	if err := yaml.UnmarshalStrict(data, &s); err != nil {
		return nil, fmt.Errorf("reading base description %s: %w", file, err)
	}
	if s.Suite == "" || len(s.Packages) == 0 {
		return nil, fmt.Errorf("base description %s: suite and packages are needed", file)
	}
	// These words become arguments of debootstrap and names of files.
	words := append(append([]string{s.Suite}, s.Components...), append(s.Include, s.Packages...)...)
	for _, w := range words {
		if w == "" || strings.HasPrefix(w, "-") || strings.ContainsAny(w, "/, \t\n_") {
			return nil, fmt.Errorf("base description %s: %q is no Debian name", file, w)
		}
	}
	return &s, nil
}

// ensureBase returns the name of the base image in buildah's storage, made if need be.
func ensureBase(ctx context.Context, run *buildah, o Options) (string, error) {
	dir := filepath.Join(o.ContextDir, "base")
	spec, err := readBaseSpec(filepath.Join(dir, "debian.yaml"))
	if err != nil {
		return "", err
	}
	key, err := keyOf(dir, run.driver)
	if err != nil {
		return "", err
	}
	name := "localhost/fairlead/base:" + key
	if run.has(ctx, name) {
		return name, nil
	}
	fmt.Fprintf(o.Log, "base: %s with %s from Debian packages, once (about a minute)\n", spec.Suite, strings.Join(spec.Include, ", "))
	work, err := os.MkdirTemp(o.CacheDir, "base-")
	if err != nil {
		return "", fmt.Errorf("making work directory: %w", err)
	}
	defer os.RemoveAll(work)
	debs, err := downloadPackages(ctx, spec, work, o)
	if err != nil {
		return "", err
	}
	context := filepath.Join(work, "context")
	if err := os.Mkdir(context, 0o700); err != nil {
		return "", fmt.Errorf("making base context: %w", err)
	}
	if err := writeRootfs(ctx, filepath.Join(context, "rootfs.tar"), debs, spec.Drop); err != nil {
		return "", fmt.Errorf("unpacking packages: %w", err)
	}
	dockerfile, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
	if err != nil {
		return "", fmt.Errorf("reading the base's Dockerfile: %w", err)
	}
	if err := os.WriteFile(filepath.Join(context, "Dockerfile"), dockerfile, 0o600); err != nil {
		return "", fmt.Errorf("writing the base's Dockerfile: %w", err)
	}
	if err := run.build(ctx, context, "--tag", name); err != nil {
		return "", err
	}
	return name, nil
}

// downloadPackages has debootstrap resolve, download and verify, and returns the files of
// the packages the base is made of. Nothing is installed or run.
func downloadPackages(ctx context.Context, spec *baseSpec, work string, o Options) ([]string, error) {
	root := filepath.Join(work, "debootstrap")
	args := []string{"--download-only", "--variant=minbase", "--merged-usr"}
	if len(spec.Include) > 0 {
		args = append(args, "--include="+strings.Join(spec.Include, ","))
	}
	if len(spec.Components) > 0 {
		args = append(args, "--components="+strings.Join(spec.Components, ","))
	}
	// Packages that were verified once are not fetched again.
	kept := filepath.Join(o.CacheDir, "debs")
	if err := os.MkdirAll(kept, 0o755); err != nil {
		return nil, fmt.Errorf("making package cache: %w", err)
	}
	args = append(args, "--cache-dir="+kept, spec.Suite, root)
	sources, err := readAptSources("/etc/apt")
	if err != nil {
		return nil, err
	}
	mirror := mirrorFor(sources, spec.Suite)
	if mirror != "" {
		args = append(args, mirror)
	}
	cmd := exec.CommandContext(ctx, "debootstrap", args...)
	cmd.Env = append(os.Environ(), proxyEnv(ctx)...)
	// The mirror's address may carry a password; debootstrap's own words may repeat it.
	if err := runLogged(cmd, redacting{w: o.Log, secret: mirror}); err != nil {
		return nil, fmt.Errorf("downloading packages: %s", redact(err.Error(), mirror))
	}
	return findDebs(filepath.Join(root, "var/cache/apt/archives"), spec.Packages)
}

// findDebs returns the file of each package, name_version_arch.deb.
func findDebs(dir string, packages []string) ([]string, error) {
	var out, missing []string
	for _, p := range packages {
		match, err := filepath.Glob(filepath.Join(dir, p+"_*.deb"))
		if err != nil {
			return nil, fmt.Errorf("looking for package %s: %w", p, err)
		}
		if len(match) != 1 {
			missing = append(missing, p)
			continue
		}
		out = append(out, match[0])
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("not among the packages downloaded for %s: %s", runtime.GOARCH, strings.Join(missing, ", "))
	}
	return out, nil
}
