{{- define "fairlead.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* The release's name, with the chart's unless it says so already. Room is left for suffixes. */ -}}
{{- define "fairlead.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "fairlead.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "fairlead.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* Cluster-wide names bear the namespace: there may be several installations. */ -}}
{{- define "fairlead.clusterName" -}}
{{- printf "%s-%s" .Release.Namespace (include "fairlead.fullname" .) -}}
{{- end -}}

{{- define "fairlead.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "fairlead.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "fairlead.selector" -}}
app.kubernetes.io/name: {{ include "fairlead.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "fairlead.labels" -}}
{{ include "fairlead.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "fairlead.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{- if hasPrefix "sha256:" $tag -}}
{{- printf "%s@%s" .Values.image.repository $tag -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository $tag -}}
{{- end -}}
{{- end -}}

{{- /* The configuration file: what the administrator says, and what the chart knows. */ -}}
{{- define "fairlead.config" -}}
{{- $c := deepCopy .Values.config -}}
{{- $_ := set $c "namespace" .Release.Namespace -}}
{{- $_ := set $c "listen" "0.0.0.0:9877" -}}
{{- $_ := set $c "cacheDir" "/var/cache/fairlead" -}}
{{- $_ := set $c "leaderElection" true -}}
{{- if .Values.knownHosts -}}
{{- $_ := set $c "git" (merge (dict "knownHostsFile" "/etc/fairlead/known_hosts") ($c.git | default dict)) -}}
{{- end -}}
{{- $w := dict "allowUnsigned" .Values.webhook.allowUnsigned -}}
{{- if .Values.webhook.secretName -}}
{{- $files := list -}}
{{- range .Values.webhook.keys -}}
{{- $files = append $files (printf "/etc/fairlead/webhook/%s" .) -}}
{{- end -}}
{{- $_ := set $w "secretFiles" $files -}}
{{- end -}}
{{- $_ := set $c "webhook" $w -}}
{{- toYaml $c -}}
{{- end -}}
