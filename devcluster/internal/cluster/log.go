package cluster

import (
	"flag"
	"fmt"
	"os"
	"strconv"

	"k8s.io/klog/v2"
)

// openLog sends what the components of Kubernetes log to path, keeping the file of the run
// before beside it. They share one logger, as they share a process.
func openLog(path string, verbosity int) (*os.File, error) {
	if err := os.Rename(path, path+".1"); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("keeping the last log: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening log: %w", err)
	}
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	settings := map[string]string{
		"logtostderr": "false", "alsologtostderr": "false", "stderrthreshold": "FATAL", "one_output": "true",
		"v": strconv.Itoa(verbosity),
	}
	for name, value := range settings {
		if err := flags.Set(name, value); err != nil {
			return nil, fmt.Errorf("setting log option %s: %w", name, err)
		}
	}
	klog.SetOutput(file)
	return file, nil
}

func closeLog(file *os.File) {
	klog.Flush()
	if file == nil {
		return
	}
	// Components that end late may still log.
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		klog.SetOutput(null)
	}
	_ = file.Close()
}
