#include "dataplane/wire/authentication.hpp"

#include "dataplane/wire/scram.hpp"
#include "dataplane/wire/writer.hpp"

namespace penstock::wire {

void write_authentication(std::string& out, Authentication kind, std::string_view content) {
    MessageWriter(out, Backend::Authentication)
        .u32(static_cast<std::uint32_t>(kind))
        .bytes(content);
}

void write_authentication_sasl(std::string& out) {
    // A list of one mechanism, and the empty one that ends the list.
    MessageWriter(out, Backend::Authentication)
        .u32(static_cast<std::uint32_t>(Authentication::SASL))
        .c_string(scram_sha_256)
        .c_string({});
}

void write_password_message(std::string& out, std::string_view password) {
    MessageWriter(out, Frontend::Password).c_string(password);
}

void write_sasl_initial_response(
    std::string& out, std::string_view mechanism, std::string_view response
) {
    MessageWriter(out, Frontend::Password)
        .c_string(mechanism)
        .u32(static_cast<std::uint32_t>(response.size()))
        .bytes(response);
}

void write_sasl_response(std::string& out, std::string_view response) {
    MessageWriter(out, Frontend::Password).bytes(response);
}

}  // namespace penstock::wire
