// What the operator may do on a cluster: the one table that manifests/rbac is made from. What is
// not here it cannot do; each line says what for.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace penstock::objects {

enum class RightScope : std::uint8_t {
    Watched,       // in every namespace whose pools it runs
    OwnNamespace,  // only where the operator itself runs
};

struct Right {
    std::string_view group;  // "" is the core group
    std::string_view resource;
    std::string_view verbs;  // with blanks between
    RightScope scope;
    std::string_view why;
    std::string_view name = "";  // of the one object that it is for; empty: any
};

namespace verbs {
inline constexpr std::string_view read = "get list watch";
inline constexpr std::string_view own = "get list watch create patch delete";
}  // namespace verbs

inline constexpr std::string_view keys_secret = "penstock-operator-keys";
// What the operator's Lease is called unless --lease-name says otherwise.
inline constexpr std::string_view lease_name = "penstock-operator";

inline constexpr auto operator_rights() {
    using enum RightScope;
    // clang-format off
    return std::array{
        Right{"penstock.dev", "connectionpools", verbs::read, Watched, "what is wanted"},
        Right{"penstock.dev", "backpressures", verbs::read, Watched, "what is wanted"},
        Right{"penstock.dev", "connectionpools/status", "get patch", Watched, "says what it found and did"},
        Right{"penstock.dev", "backpressures/status", "get patch", Watched, "says what it found and did"},
        Right{"penstock.dev", "connectionpools/finalizers", "update", Watched,
              "lets owner references block deletion where admission asks for this right; it sets no finalizer"},
        Right{"apps", "deployments", verbs::own, Watched, "a pool's proxies"},
        Right{"", "services", verbs::own, Watched, "a pool's address, and one for its proxies"},
        Right{"", "configmaps", verbs::own, Watched, "a pool's configuration"},
        Right{"", "serviceaccounts", verbs::own, Watched, "who a pool's proxies are; it has no rights"},
        Right{"policy", "poddisruptionbudgets", verbs::own, Watched, "drains take one proxy at a time"},
        Right{"", "pods", "get list watch patch", Watched,
              "finds the proxies; annotates which configuration they should see"},
        Right{"events.k8s.io", "events", "create patch", Watched, "tells what changed"},
        Right{"coordination.k8s.io", "leases", "create", OwnNamespace,
              "leader election; a name cannot be asked of create"},
        Right{"coordination.k8s.io", "leases", "get update patch", OwnNamespace, "leader election", lease_name},
        Right{"", "secrets", "create", OwnNamespace,
              "makes the keys of grants once; a name cannot be asked of create"},
        Right{"", "secrets", "get update patch", OwnNamespace, "reads and renews the keys of grants", keys_secret},
        Right{"events.k8s.io", "events", "create patch", OwnNamespace, "tells who leads"},
    };
    // clang-format on
}

}  // namespace penstock::objects
