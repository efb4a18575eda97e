// What OpenSSL owns, owned by C++; and its last fault in words. No thread of its own: faults are
// the calling thread's.
#pragma once

#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

namespace penstock::http {

template <auto free>
struct OpensslFree {
    template <class T>
    void operator()(T* object) const {
        free(object);
    }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, OpensslFree<X509_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslFree<BIO_free>>;

// The oldest fault that is not told yet; all are forgotten.
inline std::string take_openssl_fault() {
    const char* const reason = ERR_reason_error_string(ERR_get_error());
    ERR_clear_error();
    return reason == nullptr ? "unknown" : reason;
}

}  // namespace penstock::http
