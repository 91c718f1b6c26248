{{/* The chart's name, or what replaces it. */}}
{{- define "flask-app.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 54 | trimSuffix "-" }}
{{- end }}

{{/* The name of all objects: release and chart, or the release alone when it says the
chart's name already. Names in Kubernetes end at 63 characters; eight of them are left
for suffixes. */}}
{{- define "flask-app.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 55 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 55 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 55 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* Chart name and version, as a label value. */}}
{{- define "flask-app.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Labels of all objects. */}}
{{- define "flask-app.labels" -}}
{{ include "flask-app.selectorLabels" . }}
{{ include "flask-app.commonLabels" . }}
{{- end }}

{{/* Labels that say where an object comes from, and not what it is. */}}
{{- define "flask-app.commonLabels" -}}
helm.sh/chart: {{ include "flask-app.chart" . }}
app.kubernetes.io/version: {{ include "flask-app.tag" . | trunc 63 | trimAll "-_." | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels that select the application's pods; they never change during a release's life. */}}
{{- define "flask-app.selectorLabels" -}}
app.kubernetes.io/name: {{ include "flask-app.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of helper pods (migration, test), which no Service may select. Call with a dict of
root and component. */}}
{{- define "flask-app.componentLabels" -}}
app.kubernetes.io/name: {{ include "flask-app.name" .root }}-{{ .component }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{ include "flask-app.commonLabels" .root }}
{{- end }}

{{/* The ServiceAccount the pods run as. */}}
{{- define "flask-app.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "flask-app.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* The tag of the image. One that is a number came without quotes, as --set image.tag=12345678. */}}
{{- define "flask-app.tag" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion }}
{{- if kindIs "string" $tag }}{{ $tag }}{{ else }}{{ printf "%d" (int64 $tag) }}{{ end }}
{{- end }}

{{/* The version the application says it is. */}}
{{- define "flask-app.version" -}}
{{- .Values.version | default (include "flask-app.tag" .) }}
{{- end }}

{{/* The image, by digest when there is one. */}}
{{- define "flask-app.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (include "flask-app.tag" .) }}
{{- end }}
{{- end }}

{{/* "true" on OpenShift, where the cluster chooses users and groups (restricted-v2). */}}
{{- define "flask-app.openshift" -}}
{{- $asked := (.Values.global | default dict).openshift }}
{{- if kindIs "bool" $asked }}
{{- $asked }}
{{- else }}
{{- .Capabilities.APIVersions.Has "security.openshift.io/v1" }}
{{- end }}
{{- end }}

{{/* A security context without what OpenShift chooses by itself. Call with a dict of root and
context. */}}
{{- define "flask-app.securityContext" -}}
{{- $context := .context }}
{{- if eq (include "flask-app.openshift" .root) "true" }}
{{- $context = omit $context "runAsUser" "runAsGroup" "fsGroup" }}
{{- end }}
{{- toYaml $context }}
{{- end }}

{{/* The Secret this chart makes of what the values hold; with existing Secrets there is none. */}}
{{- define "flask-app.secretName" -}}
{{- include "flask-app.fullname" . }}-secrets
{{- end }}

{{/* Whether there is a database: of this release, or an external one. */}}
{{- define "flask-app.hasDatabase" -}}
{{- if or .Values.postgresql.enabled .Values.database.host }}true{{ end }}
{{- end }}

{{/* Where the database is, without its password, which the application gets apart. */}}
{{- define "flask-app.databaseURL" -}}
{{- if .Values.postgresql.enabled }}
{{- $auth := .Values.postgresql.auth }}
{{- printf "postgresql://%s@%s:%v/%s?sslmode=disable" (urlquery $auth.username) (include "postgresql.fullname" .Subcharts.postgresql) .Values.postgresql.service.port (urlquery $auth.database) }}
{{- else if .Values.database.host }}
{{- $d := .Values.database }}
{{- printf "postgresql://%s@%s:%v/%s?sslmode=%s" (urlquery $d.user) $d.host $d.port (urlquery $d.name) $d.sslMode }}
{{- end }}
{{- end }}

{{/* Where Redis is, without its password. */}}
{{- define "flask-app.redisURL" -}}
{{- if .Values.redis.enabled }}
{{- printf "redis://%s:%v/0" (include "redis.fullname" .Subcharts.redis) .Values.redis.service.port }}
{{- else if .Values.externalRedis.host }}
{{- $r := .Values.externalRedis }}
{{- printf "%s://%s:%v/%v" (ternary "rediss" "redis" $r.tls) $r.host $r.port $r.database }}
{{- end }}
{{- end }}

{{/* The environment that leads to the database. secret replaces the Secret this chart makes. */}}
{{- define "flask-app.databaseEnv" -}}
{{- $root := .root }}
{{- $secret := .secret | default (include "flask-app.secretName" $root) }}
{{- if include "flask-app.hasDatabase" $root }}
- name: DATABASE_URL
  value: {{ include "flask-app.databaseURL" $root | quote }}
{{- $d := $root.Values.database }}
{{- if $root.Values.postgresql.enabled }}
- name: DATABASE_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "postgresql.secretName" $root.Subcharts.postgresql }}
      key: {{ $root.Values.postgresql.auth.existingSecretKey }}
{{- else if $d.existingSecret }}
- name: DATABASE_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $d.existingSecret }}
      key: {{ $d.existingSecretKey }}
{{- else if $d.password }}
- name: DATABASE_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $secret }}
      key: database-password
{{- end }}
{{- end }}
{{- end }}

{{/* The environment of the application. */}}
{{- define "flask-app.env" -}}
- name: PORT
  value: {{ .Values.containerPort | quote }}
- name: WEB_THREADS
  value: {{ .Values.flask.threads | quote }}
- name: LOG_LEVEL
  value: {{ .Values.flask.logLevel | default (ternary "DEBUG" "INFO" .Values.flask.debug) }}
{{- if .Values.flask.debug }}
- name: FLASK_DEBUG
  value: "1"
{{- end }}
{{- if .Values.flask.existingSecret }}
- name: SECRET_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .Values.flask.existingSecret }}
      key: {{ .Values.flask.existingSecretKey }}
{{- else if .Values.flask.secretKey }}
- name: SECRET_KEY
  valueFrom:
    secretKeyRef:
      name: {{ include "flask-app.secretName" . }}
      key: secret-key
{{- end }}
{{- with include "flask-app.databaseEnv" (dict "root" .) | trim }}
{{ . }}
{{- end }}
{{- with include "flask-app.redisURL" . }}
- name: REDIS_URL
  value: {{ . | quote }}
{{- end }}
{{- with include "flask-app.redisPassword" . | trim }}
{{ . }}
{{- end }}
{{- if .Values.model.enabled }}
- name: MODEL_PATH
  value: {{ printf "%s/%s" (trimSuffix "/" .Values.persistence.mountPath) .Values.model.file | quote }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The password of Redis, from wherever it is kept. */}}
{{- define "flask-app.redisPassword" -}}
{{- $r := .Values.externalRedis }}
{{- if .Values.redis.enabled }}
{{- if .Values.redis.auth.enabled }}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "redis.secretName" .Subcharts.redis }}
      key: {{ .Values.redis.auth.existingSecretKey }}
{{- end }}
{{- else if and $r.host $r.existingSecret }}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $r.existingSecret }}
      key: {{ $r.existingSecretKey }}
{{- else if and $r.host $r.password }}
- name: REDIS_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "flask-app.secretName" . }}
      key: redis-password
{{- end }}
{{- end }}

{{/* What the Secret of this chart holds, as a map in JSON; {} when existing Secrets are named. */}}
{{- define "flask-app.secretData" -}}
{{- $data := dict }}
{{- if and .Values.flask.secretKey (not .Values.flask.existingSecret) }}
{{- $_ := set $data "secret-key" .Values.flask.secretKey }}
{{- end }}
{{- $d := .Values.database }}
{{- if and $d.host $d.password (not $d.existingSecret) (not .Values.postgresql.enabled) }}
{{- $_ := set $data "database-password" $d.password }}
{{- end }}
{{- $r := .Values.externalRedis }}
{{- if and $r.host $r.password (not $r.existingSecret) (not .Values.redis.enabled) }}
{{- $_ := set $data "redis-password" $r.password }}
{{- end }}
{{- toJson $data }}
{{- end }}

{{/* What the values hold of secrets, those of the databases beside it included: pods start anew when it
changes. Empty when existing Secrets are named. */}}
{{- define "flask-app.secretValues" -}}
{{- $data := include "flask-app.secretData" . | fromJson }}
{{- if .Values.postgresql.enabled }}
{{- with .Values.postgresql.auth.password }}{{ $_ := set $data "postgresql" . }}{{ end }}
{{- end }}
{{- if .Values.redis.enabled }}
{{- with .Values.redis.auth.password }}{{ $_ := set $data "redis" . }}{{ end }}
{{- end }}
{{- if $data }}{{ toJson $data }}{{ end }}
{{- end }}

{{/* Fails with all that is wrong with values that are right one by one. */}}
{{- define "flask-app.validateValues" -}}
{{- $v := .Values }}
{{- $wrong := list }}
{{- range $path, $both := dict "flask.secretKey" (and $v.flask.secretKey $v.flask.existingSecret) "database.password" (and $v.database.password $v.database.existingSecret) "externalRedis.password" (and $v.externalRedis.password $v.externalRedis.existingSecret) "postgresql.auth.password" (and $v.postgresql.auth.password $v.postgresql.auth.existingSecret) "redis.auth.password" (and $v.redis.auth.password $v.redis.auth.existingSecret) }}
{{- if $both }}
{{- $wrong = append $wrong (printf "%s and existingSecret beside it are both set: remove one" $path) }}
{{- end }}
{{- end }}
{{- if and $v.postgresql.enabled (not $v.postgresql.auth.password) (not $v.postgresql.auth.existingSecret) }}
{{- $wrong = append $wrong "postgresql.enabled needs a password: set postgresql.auth.existingSecret to a Secret's name (or, for development, postgresql.auth.password)" }}
{{- end }}
{{- if and $v.redis.enabled $v.redis.auth.enabled (not $v.redis.auth.password) (not $v.redis.auth.existingSecret) }}
{{- $wrong = append $wrong "redis.enabled needs a password: set redis.auth.existingSecret to a Secret's name (or, for development, redis.auth.password or redis.auth.enabled=false)" }}
{{- end }}
{{- if $v.autoscaling.enabled }}
{{- if gt (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas) }}
{{- $wrong = append $wrong (printf "autoscaling.minReplicas (%v) is more than autoscaling.maxReplicas (%v)" $v.autoscaling.minReplicas $v.autoscaling.maxReplicas) }}
{{- end }}
{{- if not (or $v.autoscaling.targetCPUUtilizationPercentage $v.autoscaling.targetMemoryUtilizationPercentage) }}
{{- $wrong = append $wrong "autoscaling.enabled needs autoscaling.targetCPUUtilizationPercentage or autoscaling.targetMemoryUtilizationPercentage" }}
{{- end }}
{{- end }}
{{- if and $v.ingress.enabled (not $v.ingress.hosts) }}
{{- $wrong = append $wrong "ingress.enabled needs ingress.hosts" }}
{{- end }}
{{- if and (has (toString $v.rollout.maxSurge) (list "0" "0%")) (has (toString $v.rollout.maxUnavailable) (list "0" "0%")) }}
{{- $wrong = append $wrong "rollout.maxSurge and rollout.maxUnavailable are both 0: no pod could be replaced" }}
{{- end }}
{{- if le (int $v.terminationGracePeriodSeconds) (int $v.preStopSleepSeconds) }}
{{- $wrong = append $wrong (printf "terminationGracePeriodSeconds (%v) leaves no time after preStopSleepSeconds (%v)" $v.terminationGracePeriodSeconds $v.preStopSleepSeconds) }}
{{- end }}
{{- $own := list "PORT" "WEB_THREADS" "LOG_LEVEL" "FLASK_DEBUG" "SECRET_KEY" "DATABASE_URL" "DATABASE_PASSWORD" "REDIS_URL" "REDIS_PASSWORD" "MODEL_PATH" }}
{{- $set := list }}
{{- range $line := regexFindAll "(?m)^- name: [A-Z_]+$" (include "flask-app.env" .) -1 }}
{{- $name := trimPrefix "- name: " $line }}
{{- if and (has $name $own) (has $name $set) }}
{{- $wrong = append $wrong (printf "extraEnv: %s is set by another value already" $name) }}
{{- end }}
{{- $set = append $set $name }}
{{- end }}
{{- if $wrong }}
{{- fail (printf "these values do not go together:\n  - %s" (join "\n  - " $wrong)) }}
{{- end }}
{{- end }}
