{{- define "common.name" -}}{{ .Release.Name }}-common{{- end }}
