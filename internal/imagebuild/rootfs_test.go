package imagebuild

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCopyTar(t *testing.T) {
	var in bytes.Buffer
	w := tar.NewWriter(&in)
	for _, h := range []*tar.Header{
		{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755},
		{Typeflag: tar.TypeDir, Name: "./lib/", Mode: 0o755},
		{Typeflag: tar.TypeReg, Name: "./lib/x86/libc.so.6", Mode: 0o644},
		{Typeflag: tar.TypeLink, Name: "./bin/sh", Linkname: "./bin/dash"},
		{Typeflag: tar.TypeReg, Name: "./usr/share/doc/libc6/copyright", Mode: 0o644},
		{Typeflag: tar.TypeReg, Name: "./usr/lib/x86/gconv/a.so", Mode: 0o644},
		{Typeflag: tar.TypeReg, Name: "../../etc/escape", Mode: 0o644},
	} {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r := &rootfs{w: tar.NewWriter(&out), drop: []string{"usr/share/doc", "usr/lib/*/gconv"}, dirs: map[string]bool{}}
	if err := r.copyTar(&in); err != nil {
		t.Fatal(err)
	}
	if err := r.w.Close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for tr := tar.NewReader(&out); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, h.Name+" "+h.Linkname)
	}
	want := []string{"usr/lib/ ", "usr/lib/x86/libc.so.6 ", "usr/bin/sh usr/bin/dash", "etc/escape "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
