package pipeline

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// tests are the jobs that test the application in folder app, and the packages they need. Each
// language's own tool is called directly; there is no guessing at scripts.
func (t *tree) tests(app string, commands []string) ([]Test, []string, error) {
	if len(commands) > 0 {
		var out []Test
		for i, c := range commands {
			job := "test"
			if len(commands) > 1 {
				job += "-" + strconv.Itoa(i+1)
			}
			out = append(out, Test{Job: job, Dir: ".", Command: c, Go: strings.HasPrefix(c, "go ")})
		}
		return out, nil, nil
	}
	for _, folder := range slices.Compact([]string{app, "."}) {
		for _, language := range []func(string) (Test, []string, error){t.python, t.golang, t.node} {
			test, packages, err := language(folder)
			if err != nil {
				return nil, nil, err
			}
			if test.Command != "" {
				test.Go = strings.Contains(test.Command, "go test")
				test.Job, test.Dir = "test", folder
				return []Test{test}, packages, nil
			}
		}
	}
	return nil, nil, &model.Error{Kind: model.ErrNotFound, Reason: "NoTests", Msg: "no tests were found: a pipeline without tests delivers mistakes faster",
		Next: "--test 'COMMAND' says how they are run, from the repository's root"}
}

// python finds test_*.py and *_test.py, run by pytest where it is asked for and by unittest otherwise.
func (t *tree) python(folder string) (Test, []string, error) {
	var files []string
	for _, f := range t.files {
		base := path.Base(f)
		named := strings.HasPrefix(base, "test_") && strings.HasSuffix(base, ".py") || strings.HasSuffix(base, "_test.py")
		if below(f, folder) && named {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return Test{}, nil, nil
	}
	packages := []string{"python3"}
	pytest := t.has[path.Join(folder, "pytest.ini")] || t.has[path.Join(folder, "conftest.py")] || t.has[path.Join(folder, "tests/conftest.py")]
	for _, f := range files {
		text, err := t.read(f)
		if err != nil {
			return Test{}, nil, err
		}
		pytest = pytest || strings.Contains(text, "import pytest") || strings.Contains(text, "from pytest")
	}
	for _, f := range []string{"requirements.txt", "requirements-dev.txt", "requirements-test.txt"} {
		file := path.Join(folder, f)
		if !t.has[file] {
			continue
		}
		text, err := t.read(file)
		if err != nil {
			return Test{}, nil, err
		}
		names := requirements(text)
		pytest = pytest || slices.Contains(names, "python3-pytest")
		packages = append(packages, names...)
	}
	if pytest {
		report := path.Join(folder, "test.xml")
		return Test{Command: "python3 -m pytest --junitxml=test.xml", JUnit: report}, append(packages, "python3-pytest"), nil
	}
	command := "python3 -m unittest discover"
	if below(files[0], path.Join(folder, "tests")) {
		command += " --start-directory tests --top-level-directory ."
	}
	return Test{Command: command}, packages, nil
}

var requirement = pattern.New(`^([A-Za-z0-9][A-Za-z0-9._-]*)`)

// debianName are distributions whose package has another name than python3-NAME in Debian.
var debianName = map[string]string{
	"gunicorn": "gunicorn", "uwsgi": "uwsgi-plugin-python3", "psycopg2-binary": "python3-psycopg2",
	"psycopg": "python3-psycopg", "pyyaml": "python3-yaml",
}

// requirements are the Debian packages of a requirements.txt: the runner image gets them when it is
// built, not from an index while the pipeline runs.
func requirements(text string) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		m := requirement.FindString(strings.TrimSpace(line))
		if m == "" {
			continue
		}
		name := strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(m))
		if debian := debianName[name]; debian != "" {
			out = append(out, debian)
		} else {
			out = append(out, "python3-"+name)
		}
	}
	return out
}

// golang uses the Go that the runner image has: Debian's is older than what most modules ask for.
func (t *tree) golang(folder string) (Test, []string, error) {
	if !t.has[path.Join(folder, "go.mod")] || !t.anyBelow(folder, "_test.go") {
		return Test{}, nil, nil
	}
	test := Test{Command: `GOMODCACHE="$PWD/.gomodcache" go test ./...`}
	if lock := path.Join(folder, "go.sum"); t.has[lock] {
		test.Lock, test.Cache = lock, []string{path.Join(folder, ".gomodcache") + "/"}
	}
	return test, []string{"gcc", "libc6-dev"}, nil
}

var npmTest = pattern.New(`"test"\s*:`) // in a package.json

func (t *tree) node(folder string) (Test, []string, error) {
	lock := path.Join(folder, "package-lock.json")
	if !t.has[lock] {
		return Test{}, nil, nil
	}
	text, err := t.read(path.Join(folder, "package.json"))
	if err != nil {
		return Test{}, nil, err
	}
	if !npmTest.MatchString(text) {
		return Test{}, nil, nil
	}
	return Test{
		Command: "npm ci --ignore-scripts --cache .npm && npm test", Lock: lock, Cache: []string{path.Join(folder, ".npm") + "/"},
	}, []string{"nodejs", "npm"}, nil
}

func (t *tree) anyBelow(folder, suffix string) bool {
	return slices.ContainsFunc(t.files, func(f string) bool { return below(f, folder) && strings.HasSuffix(f, suffix) })
}
