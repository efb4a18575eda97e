// The kinds of objects that the operator makes, by name.
#pragma once

#include "operator/runtime/resource.hpp"

#include <string_view>

namespace penstock::kube {

// Null: it makes no such objects.
inline const runtime::Resource* owned_kind(std::string_view kind) {
    static constexpr const runtime::Resource* kinds[] = {
        &runtime::resources::deployments,
        &runtime::resources::services,
        &runtime::resources::config_maps,
        &runtime::resources::service_accounts,
        &runtime::resources::disruption_budgets};
    for (const runtime::Resource* each : kinds)
        if (each->kind == kind) return each;
    return nullptr;
}

}  // namespace penstock::kube
