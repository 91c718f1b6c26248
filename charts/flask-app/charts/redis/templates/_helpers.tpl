{{/* The name of all objects: at most 52 characters, which leaves eleven for a StatefulSet's revisions. */}}
{{- define "redis.fullname" -}}
{{- printf "%s-redis" (.Release.Name | trunc 46 | trimSuffix "-") }}
{{- end }}

{{/* Labels of all objects. */}}
{{- define "redis.labels" -}}
{{ include "redis.selectorLabels" . }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Labels that select the pod; they never change during a release's life. */}}
{{- define "redis.selectorLabels" -}}
app.kubernetes.io/name: redis
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The Secret that holds the password: this chart's, or one that exists. */}}
{{- define "redis.secretName" -}}
{{- .Values.auth.existingSecret | default (include "redis.fullname" .) }}
{{- end }}

{{/* The image, by digest when there is one. */}}
{{- define "redis.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (ternary .Values.image.tag (printf "%d" (int64 .Values.image.tag)) (kindIs "string" .Values.image.tag) | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* A security context without what OpenShift chooses by itself. Call with a dict of root and
context. */}}
{{- define "redis.securityContext" -}}
{{- $context := .context }}
{{- $asked := (.root.Values.global | default dict).openshift }}
{{- if kindIs "bool" $asked | ternary $asked (.root.Capabilities.APIVersions.Has "security.openshift.io/v1") }}
{{- $context = omit $context "runAsUser" "runAsGroup" "fsGroup" }}
{{- end }}
{{- toYaml $context }}
{{- end }}
