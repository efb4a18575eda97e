# shellcheck shell=bash
# Keys, certificates and kubeconfigs of one cluster, made anew at each start, in the folder $PKI.

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$PKI/$1.key"; }

# new_ca NAME COMMON_NAME
new_ca() {
    new_key "$1"
    openssl req -x509 -new -key "$PKI/$1.key" -days 3650 -subj "/CN=$2" -out "$PKI/$1.crt" \
        -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature
}

# new_certificate NAME CA SUBJECT clientAuth|serverAuth [ALTERNATIVE_NAMES]
new_certificate() {
    local file=$PKI/$1 ca=$PKI/$2
    new_key "$1"
    {
        echo "basicConstraints=critical,CA:FALSE"
        echo "keyUsage=critical,digitalSignature,keyEncipherment"
        echo "extendedKeyUsage=$4"
        if [ -n "${5:-}" ]; then echo "subjectAltName=$5"; fi
    } >"$file.ext"
    openssl req -new -key "$file.key" -subj "$3" |
        openssl x509 -req -CA "$ca.crt" -CAkey "$ca.key" -set_serial "0x$(openssl rand -hex 8)" -days 3650 \
            -extfile "$file.ext" -out "$file.crt" 2>/dev/null
    rm "$file.ext"
}

# new_kubeconfig NAME: as the user whose certificate has that name.
new_kubeconfig() {
    cat >"$PKI/$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: $CLUSTER, cluster: {server: "$API", certificate-authority-data: $(base64 -w0 "$PKI/ca.crt")}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$PKI/$1.crt"), client-key-data: $(base64 -w0 "$PKI/$1.key")}}]
contexts: [{name: $CLUSTER, context: {cluster: $CLUSTER, user: $1}}]
current-context: $CLUSTER
YAML
}

# new_client NAME SUBJECT
new_client() {
    new_certificate "$1" ca "$2" clientAuth
    new_kubeconfig "$1"
}

make_certificates() {
    local node names=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local
    mkdir -p "$PKI"
    chmod 700 "$PKI"
    new_ca ca "$CLUSTER"
    new_ca front-ca "$CLUSTER-front"
    new_certificate apiserver ca /CN=kube-apiserver serverAuth "$names,IP:$SERVICES.0.1,IP:$NODE1_ADDRESS,IP:127.0.0.1"
    new_certificate metrics-server ca /CN=metrics-server serverAuth "DNS:metrics-server.kube-system.svc,IP:$NODE1_ADDRESS"
    new_certificate apiserver-kubelet ca /O=system:masters/CN=kube-apiserver-kubelet-client clientAuth
    new_certificate front front-ca /CN=front-proxy-client clientAuth
    new_client admin /O=system:masters/CN=admin
    new_client controller-manager /CN=system:kube-controller-manager
    new_client scheduler /CN=system:kube-scheduler
    new_client kube-proxy /CN=system:kube-proxy
    new_client coredns /CN=system:coredns
    new_client metrics /CN=system:metrics-server
    for node in "${NODES[@]}"; do
        new_certificate "$node-server" ca "/O=system:nodes/CN=system:node:$node" serverAuth "DNS:$node,IP:$(node_address "$node")"
        new_client "$node" "/O=system:nodes/CN=system:node:$node"
    done
    openssl genrsa -out "$PKI/accounts.key" 2048 2>/dev/null
    openssl rsa -in "$PKI/accounts.key" -pubout -out "$PKI/accounts.pub" 2>/dev/null
}
