// A CA for tests and the client certificates that it signs, as files of one folder.
#pragma once

#include "tests/support/child.hpp"
#include "tests/support/temp_dir.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::test {

struct ClientCertificate {
    std::string cert;  // files
    std::string key;
};

class ClientAuthority {
 public:
    // The folder must outlive this.
    ClientAuthority(const TempDir& folder, const std::string& name)
        : folder_(folder), cert_(folder.path(name + ".crt")), key_(folder.path(name + ".key")) {
        openssl(
            {"req",
             "-x509",
             "-newkey",
             "ec",
             "-pkeyopt",
             "ec_paramgen_curve:prime256v1",
             "-nodes",
             "-days",
             "2",
             "-subj",
             "/CN=" + name,
             "-keyout",
             key_,
             "-out",
             cert_}
        );
    }
    std::string cert() const { return cert_; }
    std::string pem() const { return folder_.read(cert_.substr(folder_.path().size() + 1)); }

    ClientCertificate issue(const std::string& file, const std::string& common_name) const {
        const ClientCertificate made{folder_.path(file + ".crt"), folder_.path(file + ".key")};
        const std::string request = folder_.path(file + ".csr");
        openssl(
            {"req",
             "-newkey",
             "ec",
             "-pkeyopt",
             "ec_paramgen_curve:prime256v1",
             "-nodes",
             "-subj",
             "/CN=" + common_name,
             "-keyout",
             made.key,
             "-out",
             request}
        );
        openssl(
            {"x509",
             "-req",
             "-in",
             request,
             "-CA",
             cert_,
             "-CAkey",
             key_,
             "-CAcreateserial",
             "-days",
             "2",
             "-out",
             made.cert}
        );
        return made;
    }

 private:
    void openssl(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "/usr/bin/openssl");
        EXPECT_EQ(Child(arguments, folder_.path("openssl.log")).wait(), 0)
            << folder_.read("openssl.log");
    }

    const TempDir& folder_;
    std::string cert_;
    std::string key_;
};

}  // namespace penstock::test
