// Documents that the tests of crds/api begin with.
#pragma once

#include "crds/api/document.hpp"

namespace penstock::api::samples {

inline Document json(std::string_view text) { return parse_json(text).value(); }

// The shortest good ConnectionPool.
inline Document pool() {
    return json(R"({
        "apiVersion": "penstock.dev/v1alpha1",
        "kind": "ConnectionPool",
        "metadata": {"name": "main"},
        "spec": {
            "database": {"host": "db.example", "monitorSecretRef": {"name": "monitor"}},
            "clients": {"usersSecretRef": {"name": "users"}}
        }
    })");
}

// The shortest good Backpressure.
inline Document policy() {
    return json(R"({
        "apiVersion": "penstock.dev/v1alpha1",
        "kind": "Backpressure",
        "metadata": {"name": "steady"},
        "spec": {"targetRefs": [{"name": "main"}], "latency": {"targetMilliseconds": 50}}
    })");
}

// The shortest good configuration of a proxy.
inline Document config() {
    return json(R"({
        "database": {"host": "127.0.0.1"},
        "clients": {"usersFile": "/etc/penstock/userlist.txt"}
    })");
}

// `document` with a JSON merge patch applied: null removes.
inline Document patched(Document document, std::string_view patch) {
    document.merge_patch(json(patch));
    return document;
}

}  // namespace penstock::api::samples
