// Command gen condenses the OpenAPI documents of Kubernetes releases into the files of ../data.
//
// In go versions of the Go module k8s.io/kubernetes, which carries api/openapi-spec/v3 and, for the
// values that a field may have, pkg/generated/openapi. Out comes one file a version: names, types,
// required fields and list keys of everything that can be created. Descriptions stay behind. From
// the types of k8s.io/api, as go.mod has it, come the versions in which APIs are deprecated and removed.
package main

import (
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	out := flag.String("out", "data", "folder to write to")
	flag.Parse()
	if err := run(*out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(out string, versions []string) error {
	if len(versions) == 0 {
		return fmt.Errorf("no versions are given, as in gen -out DIR v1.36.3")
	}
	for _, v := range versions {
		dir, err := module(v)
		if err != nil {
			return err
		}
		d, err := condense(v, dir)
		if err != nil {
			return fmt.Errorf("condensing %s: %w", v, err)
		}
		if err := write(out, v, d); err != nil {
			return err
		}
	}
	return writeLifecycles(out)
}

// module is the folder of a version of k8s.io/kubernetes in the module cache.
func module(version string) (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", "k8s.io/kubernetes@"+version)
	cmd.Dir = os.TempDir() // outside of any module, whose go.mod would have a say
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("downloading k8s.io/kubernetes@%s: %w", version, err)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(text, &m); err != nil {
		return "", fmt.Errorf("downloading k8s.io/kubernetes@%s: %w", version, err)
	}
	return m.Dir, nil
}

func write(out, version string, d *document) error {
	minor := strings.Join(strings.Split(version, ".")[:2], ".")
	f, err := os.Create(filepath.Join(out, minor+".json.gz"))
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(z)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	fmt.Printf("%s: %d types, %d kinds\n", f.Name(), len(d.Types), len(d.Kinds))
	return f.Close()
}
