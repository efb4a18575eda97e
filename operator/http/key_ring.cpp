#include "operator/http/key_ring.hpp"

#include "crds/api/names.hpp"
#include "operator/http/openssl.hpp"

#include <algorithm>
#include <ctime>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace penstock::http {
namespace {

using std::chrono::seconds;

// Clocks differ.
constexpr seconds backdated{3'600};

tl::unexpected<api::Error> fault(const std::string& what) {
    return tl::unexpected(api::Error{{}, what + ": " + take_openssl_fault()});
}

BioPtr reading(const std::string& text) {
    return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string written(BIO* bio) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

api::Result<CertificatePtr> parse_certificate(const std::string& pem) {
    ERR_clear_error();
    CertificatePtr made(PEM_read_bio_X509(reading(pem).get(), nullptr, nullptr, nullptr));
    if (!made) return fault("is no certificate in PEM form");
    return made;
}

api::Result<KeyPtr> parse_key(const std::string& pem) {
    ERR_clear_error();
    // The empty password: OpenSSL asks nobody for one.
    KeyPtr made(PEM_read_bio_PrivateKey(reading(pem).get(), nullptr, nullptr, const_cast<char*>(""))
    );
    if (!made) return fault("is no private key in PEM form");
    return made;
}

api::Result<CertifiedKey> to_pem(X509* certificate, EVP_PKEY* key) {
    const BioPtr certificate_text(BIO_new(BIO_s_mem()));
    const BioPtr key_text(BIO_new(BIO_s_mem()));
    if (PEM_write_bio_X509(certificate_text.get(), certificate) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(key_text.get(), key, nullptr, nullptr, 0, nullptr, nullptr) !=
            1) {
        return fault("cannot write a key");
    }
    return CertifiedKey{written(certificate_text.get()), written(key_text.get())};
}

void set_time(ASN1_TIME* to, WallTime time) {
    ASN1_TIME_set(to, std::chrono::system_clock::to_time_t(time));
}

bool set_random_serial(X509* certificate) {
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
    bytes[0] &= 0x7fU;
    BIGNUM* const number = BN_bin2bn(bytes, sizeof bytes, nullptr);
    const bool is_set = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
    BN_free(number);
    return is_set;
}

bool extend(X509* certificate, X509* issuer, int what, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, what, value);
    const bool is_added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

// Everything but the extensions and the signature.
CertificatePtr begin_certificate(EVP_PKEY* key, const std::string& name, const Validity& times) {
    CertificatePtr made(X509_new());
    X509* const certificate = made.get();
    if (certificate == nullptr || !set_random_serial(certificate)) return nullptr;
    X509_set_version(certificate, X509_VERSION_3);
    set_time(X509_getm_notBefore(certificate), times.begin);
    set_time(X509_getm_notAfter(certificate), times.end);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(certificate),
        "CN",
        MBSTRING_ASC,
        reinterpret_cast<const unsigned char*>(name.data()),
        static_cast<int>(name.size()),
        -1,
        0
    );
    return made;
}

WallTime to_wall_time(const ASN1_TIME* time) {
    std::tm parts{};
    ASN1_TIME_to_tm(time, &parts);
    return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

// An entry of a Secret is missing, or its fault gets its name.
std::string entry(const std::map<std::string, std::string>& data, const std::string& name) {
    const auto found = data.find(name);
    return found == data.end() ? std::string() : found->second;
}

}  // namespace

api::Result<CertifiedKey> make_authority(WallTime now, seconds validity) {
    ERR_clear_error();
    const KeyPtr key(EVP_EC_gen("P-256"));
    if (!key) return fault("cannot make a key");
    const CertificatePtr made = begin_certificate(
        key.get(), std::string(api::operator_name) + "-ca", {now - backdated, now + validity}
    );
    X509* const certificate = made.get();
    const bool is_done =
        certificate != nullptr &&
        X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
        extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        extend(certificate, certificate, NID_key_usage, "critical,keyCertSign") &&
        extend(certificate, certificate, NID_subject_key_identifier, "hash") &&
        X509_sign(certificate, key.get(), EVP_sha256()) != 0;
    if (!is_done) return fault("cannot make a certificate");
    return to_pem(certificate, key.get());
}

api::Result<CertifiedKey> mint_client(
    const CertifiedKey& authority, WallTime now, seconds validity_wanted
) {
    const auto issuer = parse_certificate(authority.certificate);
    if (!issuer) return tl::unexpected(issuer.error());
    const auto issuer_key = parse_key(authority.key);
    if (!issuer_key) return tl::unexpected(issuer_key.error());
    const KeyPtr key(EVP_EC_gen("P-256"));
    if (!key) return fault("cannot make a key");
    const WallTime end = to_wall_time(X509_get0_notAfter(issuer->get()));
    const CertificatePtr made = begin_certificate(
        key.get(),
        std::string(api::operator_name),
        {now - backdated, std::min(end, now + validity_wanted)}
    );
    X509* const certificate = made.get();
    const bool is_done =
        certificate != nullptr &&
        X509_set_issuer_name(certificate, X509_get_subject_name(issuer->get())) == 1 &&
        extend(certificate, issuer->get(), NID_basic_constraints, "critical,CA:FALSE") &&
        extend(certificate, issuer->get(), NID_key_usage, "critical,digitalSignature") &&
        extend(certificate, issuer->get(), NID_ext_key_usage, "clientAuth") &&
        extend(certificate, issuer->get(), NID_authority_key_identifier, "keyid") &&
        X509_sign(certificate, issuer_key->get(), EVP_sha256()) != 0;
    if (!is_done) return fault("cannot make a certificate");
    return to_pem(certificate, key.get());
}

api::Result<void> check(const CertifiedKey& pair) {
    const auto certificate = parse_certificate(pair.certificate);
    if (!certificate) return tl::unexpected(certificate.error());
    const auto key = parse_key(pair.key);
    if (!key) return tl::unexpected(key.error());
    if (X509_check_private_key(certificate->get(), key->get()) != 1) {
        return fault("the key is another certificate's");
    }
    return {};
}

api::Result<Validity> validity(const std::string& certificate) {
    const auto parsed = parse_certificate(certificate);
    if (!parsed) return tl::unexpected(parsed.error());
    return Validity{
        to_wall_time(X509_get0_notBefore(parsed->get())),
        to_wall_time(X509_get0_notAfter(parsed->get()))};
}

std::string KeyRing::trusted() const { return active.certificate + next.certificate + previous; }

std::map<std::string, std::string> KeyRing::to_data() const {
    std::map<std::string, std::string> data{{"ca.crt", active.certificate}, {"ca.key", active.key}};
    if (!next.certificate.empty()) {
        data["next.crt"] = next.certificate;
        data["next.key"] = next.key;
    }
    if (!previous.empty()) data["previous.crt"] = previous;
    return data;
}

api::Result<KeyRing> KeyRing::from_data(const std::map<std::string, std::string>& data) {
    KeyRing ring{
        {entry(data, "ca.crt"), entry(data, "ca.key")},
        {entry(data, "next.crt"), entry(data, "next.key")},
        entry(data, "previous.crt")};
    const auto named = [](const std::string& name, const api::Error& error) {
        return tl::unexpected(api::Error{name, error.text});
    };
    if (const auto good = check(ring.active); !good) return named("ca.crt, ca.key", good.error());
    if (!ring.next.certificate.empty() || !ring.next.key.empty()) {
        if (const auto good = check(ring.next); !good)
            return named("next.crt, next.key", good.error());
    }
    if (!ring.previous.empty()) {
        if (const auto good = parse_certificate(ring.previous); !good)
            return named("previous.crt", good.error());
    }
    return ring;
}

api::Result<KeyRing> KeyRing::make(WallTime now, const Times& times) {
    auto authority = make_authority(now, times.validity);
    if (!authority) return tl::unexpected(authority.error());
    return KeyRing{*std::move(authority), {}, {}};
}

api::Result<KeyRing> KeyRing::advanced(WallTime now, const Times& times) const {
    const auto in_use = http::validity(active.certificate);
    if (!in_use) return tl::unexpected(in_use.error());
    // Nobody trusted the next one in time, or there was none: better a gap than no keys.
    if (now >= in_use->end) return make(now, times);
    KeyRing ring = *this;
    if (!next.certificate.empty()) {
        const auto coming = http::validity(next.certificate);
        if (!coming) return tl::unexpected(coming.error());
        if (now < coming->begin + backdated + times.spread) return ring;
        ring.previous = active.certificate;
        ring.active = next;
        ring.next = {};
        return ring;
    }
    // An authority begins to sign one spread after it was made, and its predecessor goes another
    // spread after that.
    if (!previous.empty()) {
        if (now >= in_use->begin + backdated + 2 * times.spread) ring.previous.clear();
        return ring;
    }
    const auto lifetime = in_use->end - in_use->begin;
    if (now < in_use->end - lifetime / 3) return ring;
    auto made = make_authority(now, times.validity);
    if (!made) return tl::unexpected(made.error());
    ring.next = *std::move(made);
    return ring;
}

}  // namespace penstock::http
