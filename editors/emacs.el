;; graphspec in Emacs, by eglot: part of Emacs 29 and later, a package for older ones. Put it into init.el.
(require 'eglot)
(add-to-list 'eglot-server-programs '((yaml-mode yaml-ts-mode) . ("graphspec" "server")))
(add-hook 'yaml-mode-hook #'eglot-ensure)
(add-hook 'yaml-ts-mode-hook #'eglot-ensure)
