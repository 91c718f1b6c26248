package app

import "github.com/spf13/cobra"

// exitCodesTopic is a page of the help.
func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long: `Exit codes of every command:

    0  yes: done, healthy, no difference
    1  no: a difference, something unhealthy, findings
    2  wrong usage, or something did not work
    3  the deployment failed
    4  denied: credentials or rights
    5  conflict: someone else has it
  124  not done when the time was up
  130  interrupted`,
	}
}

// environmentTopic is a page of the help. readEnv is what it describes.
func environmentTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "environment",
		Short: "Environment variables that are read",
		Long: `Environment variables:

  KUBECONFIG       kubeconfig files, as kubectl reads them
  FAIRLEAD_HOME    where fairlead up keeps its cluster (default ~/.fairlead)
  NO_COLOR         not empty: no colours
  CLICOLOR_FORCE   not empty and not 0: colours even where there is no terminal
  CI               not empty: a build service; progress is lines that are only added
  CI_JOB_URL, GITLAB_USER_LOGIN, GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID, GITHUB_ACTOR
                   who deploys and where its log is, for others that want the same release meanwhile
  GITLAB_CI        true: deployments fold their log into sections
  GITHUB_ACTIONS   true: they group their log; what failed and what checks find is annotated
  GITHUB_STEP_SUMMARY
                   file that they add a summary to
  KUBE_SERVER, KUBE_CA, FAIRLEAD_ID_TOKEN
                   API server, its certificate authority and the job's ID token: ci kubeconfig
  ACTIONS_ID_TOKEN_REQUEST_URL, ACTIONS_ID_TOKEN_REQUEST_TOKEN
                   set by GitHub: where such a token is to be had
  GIT_INDEX_FILE   set by git for its hooks: scan --staged looks at this index
  COLUMNS          width of the terminal
  DOCKER_CONFIG    folder of the config.json with credentials for registries (default ~/.docker)
  HELM_REGISTRY_CONFIG, HELM_CONFIG_HOME, XDG_CONFIG_HOME
                   the same of Helm, which is asked first
  HTTP_PROXY, HTTPS_PROXY, NO_PROXY
                   the way to Git hosts, Helm repositories and registries

A flag wins over all of them; for colours the order is --color, NO_COLOR, CLICOLOR_FORCE, CI,
terminal.`,
	}
}
