package scan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/spf13/viper"
	"github.com/zricethezav/gitleaks/v8/config"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// ConfigFile and IgnoreFile are where gitleaks looks for them.
const (
	ConfigFile = ".gitleaks.toml"
	IgnoreFile = ".gitleaksignore"
)

const maxConfig = 1 << 20

// loadRules gives gitleaks' own rules, or those of the repository's configuration, which may extend
// gitleaks' or a file of the repository. The rules are merged here before they are compiled: the
// library counts extensions in a global variable and could be asked only once.
func loadRules(root fs.FS, file string) (config.Config, error) {
	vc, err := loadFile(root, file, 0)
	if err != nil {
		return config.Config{}, err
	}
	return compile(vc, file)
}

func loadFile(root fs.FS, file string, depth int) (config.ViperConfig, error) {
	if file == "" {
		return decode([]byte(config.DefaultConfig), "gitleaks' rules")
	}
	data, err := readBounded(root, file, maxConfig)
	if err != nil {
		return config.ViperConfig{}, err
	}
	own, err := decode(data, file)
	if err != nil {
		return config.ViperConfig{}, err
	}
	extend := own.Extend
	own.Extend = config.Extend{}
	var base config.ViperConfig
	switch {
	case extend.URL != "":
		return own, &model.Error{Kind: model.ErrInvalid, Reason: "UnsupportedField", File: file,
			Msg: "extend.url is not supported: rules come from the repository", Next: "copy the rules into the repository and name them by extend.path"}
	case extend.UseDefault && extend.Path != "":
		return own, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidRules", File: file, Msg: "extend.path and extend.useDefault exclude each other"}
	case extend.UseDefault:
		base, err = loadFile(root, "", 0)
	case extend.Path != "" && depth >= 2: // as many as gitleaks follows
		return own, nil
	case extend.Path != "":
		base, err = loadFile(root, path.Clean(strings.TrimPrefix(extend.Path, "./")), depth+1)
	default:
		return own, nil
	}
	if err != nil {
		return own, err
	}
	return merge(base, own, extend.DisabledRules), nil
}

// decode reads a configuration; a viper of its own, since the library's is shared by everyone.
func decode(data []byte, name string) (config.ViperConfig, error) {
	var vc config.ViperConfig
	v := viper.New()
	v.SetConfigType("toml")
	err := v.ReadConfig(bytes.NewReader(data))
	if err == nil {
		err = v.Unmarshal(&vc)
	}
	if err != nil {
		return vc, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidRules", File: name, Msg: "reading the rules", Err: err}
	}
	//lint:ignore SA1019 the library's own rules are still written so
	if vc.AllowList != nil {
		//lint:ignore SA1019 as above
		vc.Allowlists = append(vc.Allowlists, vc.AllowList)
		//lint:ignore SA1019 as above
		vc.AllowList = nil
	}
	for i := range vc.Rules {
		if r := &vc.Rules[i]; r.AllowList != nil {
			r.Allowlists = append(r.Allowlists, r.AllowList)
			r.AllowList = nil
		}
	}
	return vc, nil
}

// merge lays own rules upon base's as gitleaks does: a rule of the same ID changes what it sets and
// adds its keywords, tags and allow lists.
func merge(base, own config.ViperConfig, disabled []string) config.ViperConfig {
	out := own
	out.Allowlists = append(append(out.Allowlists[:0:0], own.Allowlists...), base.Allowlists...)
	mine := map[string]int{}
	for i := range own.Rules {
		mine[own.Rules[i].ID] = i
	}
	out.Rules = append(out.Rules[:0:0], own.Rules...)
next:
	for _, b := range base.Rules {
		for _, d := range disabled {
			if d == b.ID {
				continue next
			}
		}
		i, ok := mine[b.ID]
		if !ok {
			out.Rules = append(out.Rules, b)
			continue
		}
		r := &out.Rules[i]
		r.Description = first(r.Description, b.Description)
		r.Regex = first(r.Regex, b.Regex)
		r.Path = first(r.Path, b.Path)
		if r.Entropy == 0 {
			r.Entropy = b.Entropy
		}
		if r.SecretGroup == 0 {
			r.SecretGroup = b.SecretGroup
		}
		r.Keywords = append(append([]string{}, b.Keywords...), r.Keywords...)
		r.Tags = append(append([]string{}, b.Tags...), r.Tags...)
		r.Allowlists = append(append(r.Allowlists[:0:0], b.Allowlists...), r.Allowlists...)
		r.Required = append(append(r.Required[:0:0], b.Required...), r.Required...)
	}
	return out
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// compile makes rules of the text. The library panics at an expression that is none.
func compile(vc config.ViperConfig, file string) (cfg config.Config, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &model.Error{Kind: model.ErrInvalid, Reason: "InvalidRules", File: file, Msg: fmt.Sprint("compiling the rules: ", p)}
		}
	}()
	cfg, err = vc.Translate()
	if err != nil {
		return cfg, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidRules", File: file, Msg: "compiling the rules", Err: err}
	}
	cfg.Path = file
	return cfg, nil
}

// loadIgnored reads the fingerprints that someone accepted: FILE:RULE:LINE, or COMMIT:FILE:RULE:LINE.
func loadIgnored(root fs.FS) (map[string]bool, error) {
	out := map[string]bool{}
	data, err := readBounded(root, IgnoreFile, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	for _, row := range strings.Split(string(data), "\n") {
		if row = strings.TrimSpace(row); row != "" && !strings.HasPrefix(row, "#") {
			out[strings.ReplaceAll(row, "\\", "/")] = true
		}
	}
	return out, nil
}

func readBounded(root fs.FS, name string, most int64) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(data)) > most {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "TooLarge", File: name, Msg: fmt.Sprintf("larger than %d bytes", most)}
	}
	return data, nil
}
