# shellcheck shell=bash
# etcd, the API server, controller-manager, scheduler, CoreDNS and metrics-server, all beside node1.

FRONT_PROXY=(
    --requestheader-client-ca-file="$PKI/front-ca.crt"
    --requestheader-allowed-names=front-proxy-client --requestheader-extra-headers-prefix=X-Remote-Extra-
    --requestheader-group-headers=X-Remote-Group --requestheader-username-headers=X-Remote-User
)

define_apiserver() {
    define node1 kube-apiserver "$PROGRAM" kube-apiserver --etcd-servers=http://127.0.0.1:2379 \
        --bind-address=0.0.0.0 --secure-port=6443 --advertise-address="$NODE1_ADDRESS" --profiling=false \
        --tls-cert-file="$PKI/apiserver.crt" --tls-private-key-file="$PKI/apiserver.key" --client-ca-file="$PKI/ca.crt" \
        --service-account-key-file="$PKI/accounts.pub" --service-account-signing-key-file="$PKI/accounts.key" \
        --service-account-issuer=https://kubernetes.default.svc --service-cluster-ip-range="$SERVICE_RANGE" \
        --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
        --kubelet-client-certificate="$PKI/apiserver-kubelet.crt" --kubelet-client-key="$PKI/apiserver-kubelet.key" \
        --kubelet-certificate-authority="$PKI/ca.crt" --kubelet-preferred-address-types=InternalIP \
        --proxy-client-cert-file="$PKI/front.crt" --proxy-client-key-file="$PKI/front.key" \
        --enable-aggregator-routing=true "${FRONT_PROXY[@]}"
}

# as NAME: the flags that make a component a client of the API server.
as() { printf -- '--%s=%s\n' kubeconfig "$1" authentication-kubeconfig "$1" authorization-kubeconfig "$1"; }

# With 20 requests a second, its default, the controller-manager needs 5 s before its controllers run.
# The autoscaler's periods are short, so that a test need not wait for minutes.
define_control_plane() {
    local client
    define node1 etcd "$PROGRAM" etcd --name "$CLUSTER" --data-dir "$STATE/node1/etcd" --unsafe-no-fsync=true --log-level warn \
        --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
        --listen-peer-urls http://127.0.0.1:2380
    define_apiserver
    mapfile -t client < <(as "$PKI/controller-manager.kubeconfig")
    define node1 kube-controller-manager "$PROGRAM" kube-controller-manager "${client[@]}" --bind-address=127.0.0.1 \
        --use-service-account-credentials=true --kube-api-qps=500 --kube-api-burst=1000 \
        --service-account-private-key-file="$PKI/accounts.key" --root-ca-file="$PKI/ca.crt" \
        --cluster-signing-cert-file="$PKI/ca.crt" --cluster-signing-key-file="$PKI/ca.key" \
        --cluster-cidr="$POD_RANGE" --allocate-node-cidrs=false --leader-elect=false \
        --requestheader-client-ca-file="$PKI/front-ca.crt" \
        --horizontal-pod-autoscaler-sync-period=2s --horizontal-pod-autoscaler-initial-readiness-delay=5s \
        --horizontal-pod-autoscaler-cpu-initialization-period=10s --horizontal-pod-autoscaler-downscale-stabilization=10s
    mapfile -t client < <(as "$PKI/scheduler.kubeconfig")
    define node1 kube-scheduler "$PROGRAM" kube-scheduler "${client[@]}" --bind-address=127.0.0.1 \
        --kube-api-qps=500 --kube-api-burst=1000 --leader-elect=false
    define node1 coredns "$PROGRAM" coredns -conf "$STATE/node1/Corefile" -quiet
    mapfile -t client < <(as "$PKI/metrics.kubeconfig")
    define node1 metrics-server "$PROGRAM" metrics-server "${client[@]}" --secure-port 4443 --bind-address "$NODE1_ADDRESS" \
        --tls-cert-file "$PKI/metrics-server.crt" --tls-private-key-file "$PKI/metrics-server.key" --metric-resolution 10s
    render node1 Corefile >"$STATE/node1/Corefile"
}

kubectl() {
    if [ -n "${PROGRAM:-}" ] && [ -x "$PROGRAM" ]; then "$PROGRAM" kubectl --kubeconfig "$KUBECONFIG_FILE" "$@"; return; fi
    command kubectl --kubeconfig "$KUBECONFIG_FILE" "$@"
}

api_ready() { kubectl get --raw /readyz; }
node_ready() { [ "$(kubectl get node "$1" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]; }

# What CoreDNS and metrics-server need in the cluster. The latter is reached at node1's address.
apply_addons() {
    local ca
    ca=$(base64 -w0 "$PKI/ca.crt")
    sed "s#@CA@#$ca#; s#@CONTROL@#$NODE1_ADDRESS#" "$HERE"/conf/{dns,metrics}.yaml | kubectl apply -f - >"$STATE/node1/log/addons.log"
}
