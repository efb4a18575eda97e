// A rule over several fields of one struct: the C++ predicate and the CEL text for the API server
// side by side, with an example that each must accept and one that each must refuse. A struct lists
// its rules in `static auto rules()`.
#pragma once

#include "crds/api/field.hpp"

#include <string_view>

namespace penstock::api {

template <class S>
struct Rule {
    bool (*holds)(const S&);
    // Over `self`. Fields with defaults may be absent: the API server tests the default `{}` of an
    // object as it is.
    std::string_view cel;
    std::string_view key;      // the field of S to blame
    std::string_view message;  // "must ...": what is allowed
    // S as JSON: the fields that matter to the rule and those that are required.
    std::string_view accepted;
    std::string_view rejected;
};

template <class S>
concept Ruled = Described<S> && requires {
    S::rules();
};

}  // namespace penstock::api
