"""How near two models are as functions, whatever their accuracy. One module a family of figures."""
