// What a ConnectionPool's name must be beyond any resource's: its Service has the name, and the
// other objects that the operator makes have it with an ending.
#pragma once

#include "crds/api/object.hpp"
#include "crds/api/rules.hpp"

namespace penstock::api {

inline constexpr std::size_t longest_pool_name = 50;

// The CEL text is over the whole resource.
inline constexpr Rule<Metadata> pool_name_rule{
    [](const Metadata& metadata) {
        return metadata.name.size() <= longest_pool_name && patterns::is_dns_label(metadata.name);
    },
    "size(self.metadata.name) <= 50 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    "name",
    "must be at most 50 lower-case letters, digits and dashes, beginning with a letter and not "
    "ending with a dash, for it becomes the name of a Service; choose such a name",
    R"({"name": "orders-2"})",
    R"({"name": "orders.shop"})",
};

}  // namespace penstock::api
