{{- define "argosy.name" -}}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{- end }}

{{- define "argosy.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}{{ $image.repository }}@{{ $image.digest }}
{{- else -}}{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}{{- end -}}
{{- end }}

{{- define "argosy.chosen" -}}
app.kubernetes.io/name: argosy
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{- define "argosy.labels" -}}
{{ include "argosy.chosen" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* Variables of every program; `secret` holds what it shows the brokers. */}}
{{- define "argosy.environment" -}}
- {name: ARGOSY_BUS, value: "kafka://{{ required "kafka.bootstrap: say where the brokers are" .root.Values.kafka.bootstrap }}"}
- {name: ARGOSY_BUS_WAIT, value: {{ .root.Values.kafka.wait | quote }}}
- {name: ARGOSY_METRICS, value: "0.0.0.0:9464"}
- {name: ARGOSY_LOG_LEVEL, value: {{ .root.Values.log.level }}}
- {name: ARGOSY_LOG_FORMAT, value: {{ .root.Values.log.format }}}
{{- with .root.Values.kafka }}
{{- if .tls }}
- {name: ARGOSY_BUS_TLS, value: "true"}
{{- if .caSecret }}
- {name: ARGOSY_BUS_CA_FILE, value: /etc/argosy/tls/ca.crt}
{{- end }}
{{- end }}
{{- if .mechanism }}
- {name: ARGOSY_BUS_MECHANISM, value: {{ .mechanism }}}
- name: ARGOSY_BUS_USERNAME
  valueFrom: {secretKeyRef: {name: {{ required (printf "%s.secret: with kafka.mechanism each role has a secret" $.role) $.secret }}, key: username}}
- {name: ARGOSY_BUS_PASSWORD_FILE, value: /etc/argosy/kafka/password}
{{- end }}
{{- end }}
{{- end }}

{{- define "argosy.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if and .root.Values.kafka.tls .root.Values.kafka.caSecret }}
- {name: tls, mountPath: /etc/argosy/tls, readOnly: true}
{{- end }}
{{- if .root.Values.kafka.mechanism }}
- {name: kafka, mountPath: /etc/argosy/kafka, readOnly: true}
{{- end }}
{{- end }}

{{- define "argosy.volumes" -}}
- {name: tmp, emptyDir: {sizeLimit: 256Mi}}
{{- if and .root.Values.kafka.tls .root.Values.kafka.caSecret }}
- {name: tls, secret: {secretName: {{ .root.Values.kafka.caSecret }}, defaultMode: 0440}}
{{- end }}
{{- if .root.Values.kafka.mechanism }}
- {name: kafka, secret: {secretName: {{ .secret }}, defaultMode: 0440, items: [{key: password, path: password}]}}
{{- end }}
{{- end }}

{{- define "argosy.pod" -}}
serviceAccountName: {{ include "argosy.name" .root }}
automountServiceAccountToken: false
enableServiceLinks: false  # else variables that Kubernetes makes of services would be taken for settings
terminationGracePeriodSeconds: 60
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "argosy.confined" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "argosy.health" -}}
ports: [{name: metrics, containerPort: 9464}]
startupProbe: {httpGet: {path: /healthz, port: metrics}, periodSeconds: 5, failureThreshold: 120}
livenessProbe: {httpGet: {path: /healthz, port: metrics}, periodSeconds: 20, timeoutSeconds: 5, failureThreshold: 3}
readinessProbe: {httpGet: {path: /readyz, port: metrics}, periodSeconds: 5, timeoutSeconds: 5}
{{- end }}

{{/* A Deployment of one role: root, role, settings, arguments, and perhaps environment, mounts and volumes more. */}}
{{- define "argosy.deployment" -}}
{{- $part := dict "root" .root "role" .role "secret" .settings.secret -}}
{{- $scaled := hasKey .settings "replicas" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "argosy.name" .root }}-{{ .role }}
  labels: {{ include "argosy.labels" $part | nindent 4 }}
spec:
  {{- if not (and .root.Values.autoscaling.enabled $scaled) }}
  replicas: {{ if $scaled }}{{ .settings.replicas.least }}{{ else }}1{{ end }}
  {{- end }}
  {{- if not $scaled }}
  strategy: {type: Recreate}  # one at a time: the next goes on where it was
  {{- end }}
  selector: {matchLabels: {{ include "argosy.chosen" $part | fromYaml | toJson }}}
  template:
    metadata:
      labels: {{ include "argosy.labels" $part | nindent 8 }}
      {{- with .checksum }}
      annotations: {argosy/settings: {{ . | quote }}}
      {{- end }}
    spec:
      {{- include "argosy.pod" $part | nindent 6 }}
      {{- if $scaled }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector: {matchLabels: {{ include "argosy.chosen" $part | fromYaml | toJson }}}
      {{- end }}
      containers:
        - name: {{ .role }}
          image: {{ include "argosy.image" .root | quote }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args: {{ toJson .arguments }}
          env:
            {{- include "argosy.environment" $part | nindent 12 }}
            {{- with .environment }}{{ toYaml . | nindent 12 }}{{ end }}
          {{- with .environmentFrom }}
          envFrom: {{ toYaml . | nindent 12 }}
          {{- end }}
          {{- include "argosy.health" . | nindent 10 }}
          {{- include "argosy.confined" . | nindent 10 }}
          resources: {{ toYaml .settings.resources | nindent 12 }}
          volumeMounts:
            {{- include "argosy.mounts" $part | nindent 12 }}
            {{- with .mounts }}{{ toYaml . | nindent 12 }}{{ end }}
      volumes:
        {{- include "argosy.volumes" $part | nindent 8 }}
        {{- with .volumes }}{{ toYaml . | nindent 8 }}{{ end }}
{{- if $scaled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "argosy.name" .root }}-{{ .role }}
  labels: {{ include "argosy.labels" $part | nindent 4 }}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {{ include "argosy.chosen" $part | fromYaml | toJson }}}
{{- end }}
{{- end }}

{{/* KEDA asks Kafka for the lag of a group: root, role, settings, topic, group. */}}
{{- define "argosy.scaled" -}}
{{- $part := dict "root" .root "role" .role -}}
{{- $kafka := .root.Values.kafka -}}
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ include "argosy.name" .root }}-{{ .role }}
  labels: {{ include "argosy.labels" $part | nindent 4 }}
spec:
  scaleTargetRef: {name: {{ include "argosy.name" .root }}-{{ .role }}}
  minReplicaCount: {{ .settings.replicas.least }}
  maxReplicaCount: {{ .settings.replicas.most }}
  cooldownPeriod: 300
  triggers:
    - type: kafka
      metadata:
        bootstrapServers: {{ $kafka.bootstrap }}
        consumerGroup: {{ .group }}
        topic: {{ .topic }}
        lagThreshold: {{ .settings.lag | quote }}
        {{- if $kafka.tls }}
        tls: enable
        {{- end }}
        {{- if $kafka.mechanism }}
        sasl: {{ get (dict "PLAIN" "plaintext" "SCRAM-SHA-256" "scram_sha256" "SCRAM-SHA-512" "scram_sha512") $kafka.mechanism }}
        {{- end }}
      {{- if or $kafka.mechanism $kafka.caSecret }}
      authenticationRef: {name: {{ include "argosy.name" .root }}-{{ .role }}}
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata:
  name: {{ include "argosy.name" .root }}-{{ .role }}
  labels: {{ include "argosy.labels" $part | nindent 4 }}
spec:
  secretTargetRef:
    {{- if $kafka.mechanism }}
    - {parameter: username, name: {{ .settings.secret }}, key: username}
    - {parameter: password, name: {{ .settings.secret }}, key: password}
    {{- end }}
    {{- if $kafka.caSecret }}
    - {parameter: ca, name: {{ $kafka.caSecret }}, key: ca.crt}
    {{- end }}
{{- end }}
{{- end }}
