// Document to struct, with all faults at once: kinds, unknown keys, required fields, bounds and
// rules.
#pragma once

#include "crds/api/shape.hpp"
#include "crds/api/validate.hpp"

namespace penstock::api {

template <Described S>
struct Decoded {
    S value;  // defaults where the document says nothing or something wrong
    std::vector<Error> errors;
    std::vector<Error> warnings;
};

// Reads all it can. `path` is where the document stands in a larger one.
template <Described S>
Decoded<S> decode_leniently(
    const Document& document,
    UnknownKeys unknown = UnknownKeys::Refuse,
    const std::string& path = ""
) {
    S value;
    Faults faults;
    shape::read(document, path, unknown, faults, value);
    // A document that is no object has only that fault.
    if (document.is_object()) bounds::check_struct(value, path, faults);
    return {std::move(value), faults.errors(), faults.warnings()};
}

// The value, or every fault of the document.
template <Described S>
Checked<S> decode(
    const Document& document,
    UnknownKeys unknown = UnknownKeys::Refuse,
    const std::string& path = ""
) {
    Decoded<S> decoded = decode_leniently<S>(document, unknown, path);
    if (!decoded.errors.empty()) return tl::unexpected(std::move(decoded.errors));
    return std::move(decoded.value);
}

}  // namespace penstock::api
