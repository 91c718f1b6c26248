package app

import (
	"cmp"
	"path/filepath"
	"strconv"

	"github.com/fairlead-cd/fairlead/internal/output"
)

// env is all that the environment says. `fairlead help environment` lists these variables.
type env struct {
	Kubeconfig string   // KUBECONFIG: files, as kubectl reads them
	StateDir   string   // FAIRLEAD_HOME: where `fairlead up` keeps its cluster; default ~/.fairlead
	Home       string   // HOME
	User       string   // USER: who asked for a sync or a rollback
	Proxy      []string // HTTP_PROXY, HTTPS_PROXY, NO_PROXY as "KEY=value", for the git binary
	Job        string   // CI_JOB_URL, or GITHUB_SERVER_URL and what follows: where this run's log is
	GitLab     bool     // GITLAB_CI: a job of GitLab's runs this
	GitHub     bool     // GITHUB_ACTIONS: a job of GitHub's runs this
	Index      string   // GIT_INDEX_FILE: set by git for its hooks: what is about to be committed
	Summary    string   // GITHUB_STEP_SUMMARY: file that GitHub shows as the job's summary
	Output     output.Env

	RegistryConfigs []string // HELM_REGISTRY_CONFIG, DOCKER_CONFIG: files with credentials for registries
}

// readEnv reads the environment through lookup.
func readEnv(lookup func(string) string) env {
	e := env{
		Kubeconfig: lookup("KUBECONFIG"),
		StateDir:   lookup("FAIRLEAD_HOME"),
		Home:       lookup("HOME"),
		User:       lookup("USER"),
		Output: output.Env{
			NoColor: lookup("NO_COLOR"), ForceColor: lookup("CLICOLOR_FORCE"),
			CI: lookup("CI"), Term: lookup("TERM"),
		},
	}
	if n, err := strconv.Atoi(lookup("COLUMNS")); err == nil && n > 0 {
		e.Output.Columns = n
	}
	for _, key := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"} {
		if v := lookup(key); v != "" {
			e.Proxy = append(e.Proxy, key+"="+v)
		}
	}
	if e.StateDir == "" && e.Home != "" {
		e.StateDir = filepath.Join(e.Home, ".fairlead")
	}
	e.RegistryConfigs = registryConfigs(lookup)
	e.Job = job(lookup)
	e.GitLab, e.GitHub = lookup("GITLAB_CI") == "true", lookup("GITHUB_ACTIONS") == "true"
	e.Summary = lookup("GITHUB_STEP_SUMMARY")
	e.Index = lookup("GIT_INDEX_FILE")
	if e.User == "" {
		e.User = cmp.Or(lookup("GITLAB_USER_LOGIN"), lookup("GITHUB_ACTOR"))
	}
	return e
}

// job is the address of the build that this runs in, for others that find it at work.
func job(lookup func(string) string) string {
	if url := lookup("CI_JOB_URL"); url != "" {
		return url
	}
	server, repo, run := lookup("GITHUB_SERVER_URL"), lookup("GITHUB_REPOSITORY"), lookup("GITHUB_RUN_ID")
	if server == "" || repo == "" || run == "" {
		return ""
	}
	return server + "/" + repo + "/actions/runs/" + run
}

// registryConfigs are the files that `helm registry login` and `docker login` keep credentials in,
// Helm's first.
func registryConfigs(lookup func(string) string) []string {
	home := lookup("HOME")
	under := func(dir, base, rest string) string {
		if dir != "" {
			return filepath.Join(dir, rest)
		}
		if home == "" {
			return ""
		}
		return filepath.Join(home, base, rest)
	}
	helm := lookup("HELM_REGISTRY_CONFIG")
	if helm == "" {
		helm = under(lookup("XDG_CONFIG_HOME"), ".config", "helm/registry/config.json")
		if dir := lookup("HELM_CONFIG_HOME"); dir != "" {
			helm = filepath.Join(dir, "registry/config.json")
		}
	}
	var files []string
	for _, f := range []string{helm, under(lookup("DOCKER_CONFIG"), ".docker", "config.json")} {
		if f != "" {
			files = append(files, f)
		}
	}
	return files
}

// kubeconfigFiles are where clusters are described when no flag says so: KUBECONFIG; else the local
// cluster that `fairlead up` made; else kubectl's own default. Files that do not exist are passed
// over.
func (e env) kubeconfigFiles() []string {
	if e.Kubeconfig != "" {
		return filepath.SplitList(e.Kubeconfig)
	}
	var files []string
	if e.StateDir != "" {
		files = append(files, e.localKubeconfig())
	}
	if e.Home != "" {
		files = append(files, filepath.Join(e.Home, ".kube", "config"))
	}
	return files
}

// localKubeconfig is the kubeconfig of the cluster that `fairlead up` made.
func (e env) localKubeconfig() string { return filepath.Join(e.StateDir, "kubeconfig") }
