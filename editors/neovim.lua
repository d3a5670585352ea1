-- graphspec in Neovim. Put it into init.lua.
local config = { cmd = { "graphspec", "server" }, filetypes = { "yaml", "json" }, root_markers = { "pyproject.toml", ".git" } }

if vim.lsp.enable then -- Neovim 0.11 and later
  vim.lsp.config("graphspec", config)
  vim.lsp.enable("graphspec")
else
  local client -- one server for all specs of this Neovim
  local function attach(event)
    client = client or vim.lsp.start_client({ name = "graphspec", cmd = config.cmd, root_dir = vim.fn.getcwd() })
    vim.lsp.buf_attach_client(event.buf, client)
  end
  vim.api.nvim_create_autocmd("FileType", { pattern = config.filetypes, callback = attach })
end
