check "dev preset: -Werror, ASan, UBSan, fault points" build_preset dev
