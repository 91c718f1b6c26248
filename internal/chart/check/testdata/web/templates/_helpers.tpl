{{- define "web.fullname" -}}
{{- printf "%s-web" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- define "web.labels" -}}
app.kubernetes.io/name: web
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{- define "web.validate" -}}
{{- if and .Values.database.enabled (not .Values.database.existingSecret) -}}
{{- fail "database.enabled needs database.existingSecret" -}}
{{- end -}}
{{- end -}}
