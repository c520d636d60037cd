{{- define "aks-access.name" -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* "aks-access.part" (list $ "metrics"): the name of something beside the Deployment. */}}
{{- define "aks-access.part" -}}
{{- $part := index . 1 }}
{{- printf "%s-%s" (index . 0).Release.Name $part | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "aks-access.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "aks-access.labels" -}}
{{ include "aks-access.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* Argo CD applies the lowest wave first and deletes the highest first: grants go while the
operator still runs. */}}
{{- define "aks-access.operatorWave" -}}
argocd.argoproj.io/sync-wave: "-1"
{{- end }}

{{- define "aks-access.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "aks-access.name" .) }}
{{- else }}
{{- required "serviceAccount.create is false: name an existing one in serviceAccount.name" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "aks-access.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{- /* endpoint, authority and scope as YAML; empty where the operator's own default is meant. */}}
{{- define "aks-access.cloud" -}}
{{- $clouds := dict
  "government" (dict "endpoint" "https://management.usgovcloudapi.net"
    "authority" "https://login.microsoftonline.us"
    "scope" "https://management.core.usgovcloudapi.net/.default")
  "china" (dict "endpoint" "https://management.chinacloudapi.cn"
    "authority" "https://login.chinacloudapi.cn"
    "scope" "https://management.chinacloudapi.cn/.default") }}
{{- $cloud := deepCopy (get $clouds .Values.azure.cloud | default dict) }}
{{- with .Values.azure.endpoint }}
{{- $_ := set $cloud "endpoint" . }}
{{- $_ := unset $cloud "scope" }}
{{- end }}
{{- with .Values.azure.authorityHost }}
{{- $_ := set $cloud "authority" . }}
{{- end }}
{{- toYaml $cloud }}
{{- end }}

{{- /* The ConfigMap with more certificate authorities; empty without any. */}}
{{- define "aks-access.extraCA" -}}
{{- with .Values.extraCA }}
{{- if and .configMap .pem }}
{{- fail "extraCA.configMap and extraCA.pem are both set; keep one of them" }}
{{- end }}
{{- if .pem }}{{ include "aks-access.part" (list $ "ca") }}{{ else }}{{ .configMap }}{{ end }}
{{- end }}
{{- end }}

{{- /* Port of proxy.https: what it says, else that of its scheme. */}}
{{- define "aks-access.proxyPort" -}}
{{- $url := urlParse .Values.proxy.https }}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" }}
{{- $port | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- end }}

{{- /* NO_PROXY, where a proxy may be in use: the client of the API server follows HTTPS_PROXY as well,
and would go through it. Empty where the values bring their own. */}}
{{- define "aks-access.noProxy" -}}
{{- $names := list }}
{{- range .Values.operator.extraEnv }}
{{- $names = append $names .name }}
{{- end }}
{{- with .Values.proxy }}
{{- if and .https (has "HTTPS_PROXY" $names) }}
{{- fail "HTTPS_PROXY is in operator.extraEnv, and proxy.https is set too; keep one of them" }}
{{- end }}
{{- if and (or .https .noProxy (has "HTTPS_PROXY" $names)) (not (has "NO_PROXY" $names)) }}
{{- join "," (concat (list "$(KUBERNETES_SERVICE_HOST)" "kubernetes.default.svc" "169.254.169.254") .noProxy) }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Name of the operator's Lease, as a flag or a variable of the values may set it; empty where
only the pod will know it. What the kubelet would expand in it, the role would not, and with a pod's
own name in it each replica would lead. */}}
{{- define "aks-access.lease" -}}
{{- $name := "aks-access-operator" }}
{{- range .Values.operator.extraEnv }}
{{- if eq .name "AKS_ACCESS_LEASE_NAME" }}
{{- if hasKey . "valueFrom" }}{{ $name = "" }}{{ else if .value }}{{ $name = .value }}{{ end }}
{{- end }}
{{- end }}
{{- $before := "" }}
{{- range .Values.operator.extraArgs }}
{{- if eq $before "--lease-name" }}{{ $name = . }}{{ end }}
{{- if hasPrefix "--lease-name=" . }}{{ $name = trimPrefix "--lease-name=" . }}{{ end }}
{{- $before = . }}
{{- end }}
{{- if not (regexMatch "^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$" $name) }}
{{- fail (printf "the Lease's name %q in operator.extraArgs or operator.extraEnv is none: at most 63 of a-z, 0-9 and -, written out" $name) }}
{{- end }}
{{- $name }}
{{- end }}
