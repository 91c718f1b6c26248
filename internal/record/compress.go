package record

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"sync"
)

// How hard to compress. Helm reads any.
const (
	fast  = gzip.BestSpeed
	small = gzip.BestCompression
)

// writers keeps compressors, which are larger than what they compress.
var writers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, fast) // the level is valid
	return w
}}

func compress(data []byte, level int) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(len(data) / 3)
	var w *gzip.Writer
	if level == fast {
		w = writers.Get().(*gzip.Writer)
		defer writers.Put(w)
		w.Reset(&out)
	} else {
		var err error
		if w, err = gzip.NewWriterLevel(&out, level); err != nil {
			return nil, err
		}
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// decompress refuses to grow beyond limit bytes.
func decompress(data []byte, limit int64) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(out)) > limit {
		return nil, fmt.Errorf("larger than %d bytes when decompressed", limit)
	}
	return out, nil
}
