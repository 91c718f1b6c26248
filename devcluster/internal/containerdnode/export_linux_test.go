package containerdnode

import (
	"fmt"
	"net/http"
	"strings"
)

// Registry answers for one image, as a registry does for whoever pulls it.
func Registry(arch string, program []byte) (http.Handler, error) {
	img, err := newImage(arch, "/program", tarFile{"program", program, 0o755})
	if err != nil {
		return nil, err
	}
	types := map[string]string{digest(img.manifest): mediaManifest}
	blobs := map[string][]byte{}
	for _, b := range [][]byte{img.manifest, img.config, img.layer} {
		blobs[digest(b)] = b
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		if name == "1" {
			name = digest(img.manifest)
		}
		blob, ok := blobs[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Docker-Content-Digest", name)
		if mediaType, ok := types[name]; ok {
			w.Header().Set("Content-Type", mediaType)
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(blob)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(blob)
		}
	}), nil
}

// Leftovers lists what a node in dir still has on this machine.
func Leftovers(dir string) ([]string, error) {
	mounts, err := mountsBelow(dir)
	if err != nil {
		return nil, err
	}
	out := mounts
	groups, err := groupRoots()
	if err != nil {
		return nil, err
	}
	out = append(out, groups...)
	rules, err := runTool("", "iptables-save")
	if err != nil {
		return nil, err
	}
	return append(out, strings.Fields(removalScript(rules))...), nil
}
